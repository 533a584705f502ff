package memory

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

var pageSize = int64(os.Getpagesize())

// Process is what a process has in memory, in bytes.
type Process struct {
	Resident  int64
	Anonymous int64 // of that, what no file backs: heaps and stacks, without the program's file that all processes share
}

// ReadProcess reads it from /proc (proc_pid_statm(5)).
func ReadProcess(pid int) (Process, error) {
	var buf [128]byte
	file, err := os.Open("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return Process{}, fmt.Errorf("read a process's memory: %w", err)
	}
	defer func() { _ = file.Close() }()
	n, err := file.Read(buf[:])
	if err != nil {
		return Process{}, fmt.Errorf("read a process's memory: %w", err)
	}
	return parseStatm(buf[:n])
}

// parseStatm reads the second and third figure: resident pages, and those of them that a file or shared memory backs.
func parseStatm(text []byte) (Process, error) {
	fields := bytes.Fields(text)
	if len(fields) < 3 {
		return Process{}, fmt.Errorf("read a process's memory: unexpected format")
	}
	resident, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return Process{}, fmt.Errorf("read a process's memory: %w", err)
	}
	backed, err := strconv.ParseInt(string(fields[2]), 10, 64)
	if err != nil {
		return Process{}, fmt.Errorf("read a process's memory: %w", err)
	}
	return Process{Resident: resident * pageSize, Anonymous: max(0, resident-backed) * pageSize}, nil
}
