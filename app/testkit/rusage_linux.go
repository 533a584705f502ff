package testkit

import "syscall"

const rusageThread = syscall.RUSAGE_THREAD
