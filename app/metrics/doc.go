// Package metrics measures the container and its processes: the memory cgroup, each process's resident memory, and the
// scoreboard, which is one page of shared memory for each worker. The main idea: a figure is a word that its owner stores
// and any process loads, so that counting costs a request almost nothing, and any worker can answer for all of them.
package metrics
