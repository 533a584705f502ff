package memory

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

var pageSize = int64(os.Getpagesize())

// Process is the memory of a process, in bytes.
type Process struct {
	Resident  int64
	Anonymous int64 // part of it that is not backed by a file: heaps and stacks, without the program file, which all processes share
}

// ReadProcess reads a process's memory from /proc (proc_pid_statm(5)).
func ReadProcess(pid int) (Process, error) {
	var buf [128]byte
	file, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/statm", unix.O_RDONLY|unix.O_CLOEXEC, 0) // an os.File would be garbage every second
	if err != nil {
		return Process{}, fmt.Errorf("read a process's memory: %w", err)
	}
	defer func() { _ = unix.Close(file) }()
	n, err := unix.Read(file, buf[:])
	if err != nil {
		return Process{}, fmt.Errorf("read a process's memory: %w", err)
	}
	return parseStatm(buf[:n])
}

// OpenFiles counts the open descriptors of a process.
func OpenFiles(pid int) (int, error) {
	folder, err := os.Open("/proc/" + strconv.Itoa(pid) + "/fd")
	if err != nil {
		return 0, fmt.Errorf("count a process's descriptors: %w", err)
	}
	defer func() { _ = folder.Close() }()
	var buf [4096]byte
	entries := -2 // "." and ".."
	for {
		n, err := unix.Getdents(int(folder.Fd()), buf[:])
		if err != nil {
			return 0, fmt.Errorf("count a process's descriptors: %w", err)
		}
		if n == 0 {
			break
		}
		for at := 0; at < n; at += int(binary.NativeEndian.Uint16(buf[at+recordLength:])) {
			entries++
		}
	}
	if pid == os.Getpid() {
		entries-- // folder
	}
	return entries, nil
}

// recordLength is the offset of the record length in a directory entry (getdents(2)).
const recordLength = 16

// parseStatm parses the second and third figure: resident pages, and those of them that are backed by a file or shared
// memory.
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
