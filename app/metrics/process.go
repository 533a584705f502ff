package metrics

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

var pageSize = int64(os.Getpagesize())

// RSS is the resident memory of a process in bytes, from /proc (proc_pid_statm(5)).
func RSS(pid int) (int64, error) {
	var buf [128]byte
	file, err := os.Open("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0, fmt.Errorf("read resident memory: %w", err)
	}
	defer func() { _ = file.Close() }()
	n, err := file.Read(buf[:])
	if err != nil {
		return 0, fmt.Errorf("read resident memory: %w", err)
	}
	fields := bytes.Fields(buf[:n])
	if len(fields) < 2 {
		return 0, fmt.Errorf("read resident memory: unexpected format")
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read resident memory: %w", err)
	}
	return pages * pageSize, nil
}
