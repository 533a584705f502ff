package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// userHZ is the kernel's tick in /proc, which is the same on every architecture that Go knows.
const userHZ = 100

// cpuTime is what the processors have done until now.
type cpuTime struct {
	at                                time.Time
	busy, interrupts, service, client time.Duration
}

// cpu reads the clocks. A service's process that has gone meanwhile is left out.
func (h *hosted) cpu(t testing.TB) cpuTime {
	t.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	now := cpuTime{at: time.Now()}
	first, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(first) {
		const idle, iowait, irq, softirq, guest = 4, 5, 6, 7, 9 // what guests take is in the others already
		if i > 0 && i != idle && i != iowait && i < guest {
			now.busy += ticks(field)
		}
		if i == irq || i == softirq {
			now.interrupts += ticks(field)
		}
	}
	processes, err := h.processes()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range processes {
		stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), "stat"))
		if err != nil {
			continue
		}
		// Behind the name, which is in parentheses, utime and stime are the twelfth and thirteenth.
		if fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])); len(fields) > 12 {
			now.service += ticks(fields[11]) + ticks(fields[12])
		}
	}
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		t.Fatal(err)
	}
	now.client = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	return now
}

func ticks(field string) time.Duration {
	n, _ := strconv.ParseInt(field, 10, 64) // the kernel's own spelling
	return time.Duration(n) * time.Second / userHZ
}

// cores tells who kept the machine busy since from. What others did, times suffered for. Interrupts, which are also what
// the loopback network does, may be in any of the shares, as the kernel is configured.
func (b *bench) cores(h *hosted, from cpuTime, n int) {
	b.Helper()
	now := h.cpu(b)
	share := func(d time.Duration) float64 { return d.Seconds() / now.at.Sub(from.at).Seconds() }
	service, client := share(now.service-from.service), share(now.client-from.client)
	others := max(0, share(now.busy-from.busy)-service-client)
	b.add(benchRow{Name: "cores that the service took", N: n, Measured: fmt.Sprintf("%.2f", service), Value: service,
		Note: fmt.Sprintf("the client %.2f, everything else on this machine %.2f; in interrupts, of all that, %.2f",
			client, others, share(now.interrupts-from.interrupts))})
}
