package metrics

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

var pageSize = int64(os.Getpagesize())

// ProcessMemory is what a process has in memory, in bytes.
type ProcessMemory struct {
	Resident  int64
	Anonymous int64 // of that, what no file backs: heaps and stacks, without the program's file that all processes share
}

// ReadProcessMemory reads it from /proc (proc_pid_statm(5)).
func ReadProcessMemory(pid int) (ProcessMemory, error) {
	var buf [128]byte
	file, err := os.Open("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return ProcessMemory{}, fmt.Errorf("read a process's memory: %w", err)
	}
	defer func() { _ = file.Close() }()
	n, err := file.Read(buf[:])
	if err != nil {
		return ProcessMemory{}, fmt.Errorf("read a process's memory: %w", err)
	}
	return parseStatm(buf[:n])
}

// parseStatm reads the second and third figure: resident pages, and those of them that a file or shared memory backs.
func parseStatm(text []byte) (ProcessMemory, error) {
	fields := bytes.Fields(text)
	if len(fields) < 3 {
		return ProcessMemory{}, fmt.Errorf("read a process's memory: unexpected format")
	}
	resident, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return ProcessMemory{}, fmt.Errorf("read a process's memory: %w", err)
	}
	backed, err := strconv.ParseInt(string(fields[2]), 10, 64)
	if err != nil {
		return ProcessMemory{}, fmt.Errorf("read a process's memory: %w", err)
	}
	return ProcessMemory{Resident: resident * pageSize, Anonymous: max(0, resident-backed) * pageSize}, nil
}
