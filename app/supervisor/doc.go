// Package supervisor keeps a fixed number of worker processes running on one
// listening socket. The one idea: every decision (start, kill, drain, when to decide
// again) is made by Next, a pure function of what is observed; every wait is in
// Supervisor.Run; every system call that starts or ends a process is in child.go.
// Parent is a worker's view of its supervisor.
package supervisor
