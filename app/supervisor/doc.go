// Package supervisor keeps a fixed number of worker processes alive on one
// listening socket. The one idea: every choice (start, kill, drain, when next to
// look) is made by Next, a pure function of what is seen; every wait is in
// Supervisor.Run; every system call that makes or ends a process is in child.go.
// What a worker sees of its supervisor is Parent.
package supervisor
