package harness

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// userHZ is the unit of processor times in /proc, which is the same on every architecture that Go supports.
const userHZ = 100

// CPUTime is the processor time used so far.
type CPUTime struct {
	At                                time.Time
	Busy, Interrupts, Service, Client time.Duration
}

// CPU reads the processor times. A process of the service that has ended since is left out.
func (h *Instance) CPU(t testing.TB) CPUTime {
	t.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	now := CPUTime{At: time.Now()}
	first, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(first) {
		const idle, iowait, irq, softirq, guest = 4, 5, 6, 7, 9 // guest time is included in the others
		if i > 0 && i != idle && i != iowait && i < guest {
			now.Busy += ticks(field)
		}
		if i == irq || i == softirq {
			now.Interrupts += ticks(field)
		}
	}
	processes, err := h.Processes()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range processes {
		stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.PID), "stat"))
		if err != nil {
			continue
		}
		// After the name, which is in parentheses, utime and stime are the twelfth and thirteenth field.
		if fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])); len(fields) > 12 {
			now.Service += ticks(fields[11]) + ticks(fields[12])
		}
	}
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		t.Fatal(err)
	}
	now.Client = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	return now
}

func ticks(field string) time.Duration {
	n, _ := strconv.ParseInt(field, 10, 64) // written by the kernel
	return time.Duration(n) * time.Second / userHZ
}
