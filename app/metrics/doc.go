// Package metrics reads how the container and its processes are doing: the memory
// cgroup, a process's resident memory, and the scoreboard, a page of shared memory
// for each worker. The one idea: a figure is a word that its owner stores and
// anyone loads, so that counting costs a request nothing and any worker can answer
// for all of them.
package metrics
