// Package cgroup2 runs the service in a memory control group without Docker: in a virtual machine with version 2 (make
// cgroup2), or as root on a machine with version 1, for comparison.
package cgroup2
