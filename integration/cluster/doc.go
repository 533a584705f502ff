// Package cluster runs docker-compose.yml as its users do: one container, and the distributed profile with three
// instances behind a balancer.
package cluster
