package testkit

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"testing"
)

// StatusBytes returns a field of /proc/PID/status that is given in kB, in bytes; see proc_pid_status(5). It skips the
// test if there is no /proc.
func StatusBytes(t testing.TB, pid int, field string) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("needs /proc: ", err)
	}
	_, line, _ := bytes.Cut(status, []byte(field+":"))
	number, _, _ := bytes.Cut(line, []byte("kB"))
	kb, err := strconv.ParseInt(string(bytes.TrimSpace(number)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

// ForgetPeak resets the peak memory of a process (VmHWM) to its current memory; see proc_pid_clear_refs(5). It skips
// the test if that is not possible.
func ForgetPeak(t testing.TB, pid int) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		t.Skip("the peak cannot be reset: ", err)
	}
}
