// Package cgroup2 runs the service in a memory control group without Docker: in a virtual machine that has version 2 (make
// cgroup2), or as root on a machine that has version 1, for figures to compare with.
package cgroup2
