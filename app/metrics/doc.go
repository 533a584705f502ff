// Package metrics measures the container and its processes: the memory cgroup, each process's resident memory, and the
// scoreboard, which has one page of shared memory for each worker. A figure is a word that its owner stores and any
// process loads, so counting costs a request almost nothing, and any worker can report for all of them.
package metrics
