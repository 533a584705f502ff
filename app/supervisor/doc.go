// Package supervisor keeps a fixed number of worker processes running on one listening socket. Every decision (to
// start, kill or drain a worker, and when to decide again) is made by Next, a pure function of what was observed. All
// waiting is in Supervisor.Run, and all system calls that start or end a process are in child.go. Parent is a worker's
// view of its supervisor.
package supervisor
