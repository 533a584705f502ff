package cost

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"studysharper/loadtest/scenario/child"
)

// userHZ is the unit of processor times in /proc, which is the same on every architecture that Go supports.
const userHZ = 100

// usage is what the processes have used so far.
type usage struct {
	service    time.Duration // of the program's children, including ended ones; of a program without children, its own
	supervisor time.Duration // of a program with children, its own
	model      time.Duration
	clients    time.Duration // of this process
	switches   int64         // how often a thread of the program waited; threads that have ended are not counted
	written    int64         // bytes that the program's live processes sent to the disk
}

func (u usage) since(before usage) usage {
	return usage{u.service - before.service, u.supervisor - before.supervisor, u.model - before.model,
		u.clients - before.clients, u.switches - before.switches, u.written - before.written}
}

// readUsage reads the clocks.
func readUsage(p *program, model *process) (u usage, err error) {
	own, ended, err := readTimes(p.PID)
	if err != nil {
		return u, err
	}
	processes := append(child.Of(p.PID), p.PID)
	u.service, u.supervisor = ended, own
	for _, pid := range processes[:len(processes)-1] {
		times, _, err := readTimes(pid)
		if err != nil {
			continue // it has ended: the next reading includes it in the parent's total
		}
		u.service += times
	}
	if len(processes) == 1 {
		u.service, u.supervisor = own, 0
	}
	for _, pid := range processes {
		u.switches += switches(pid)
		u.written += written(pid)
	}
	if u.model, _, err = readTimes(model.PID); err != nil {
		return u, err
	}
	var self syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &self); err != nil {
		return u, err
	}
	u.clients = time.Duration(self.Utime.Nano() + self.Stime.Nano())
	return u, nil
}

// readTimes reads the processor time of a process, and that of its children that it has waited for.
func readTimes(pid int) (own, ended time.Duration, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	return parseTimes(string(text))
}

// parseTimes parses utime, stime, cutime and cstime from a stat line, the twelfth to fifteenth field after the name,
// which is in parentheses and may contain any character.
func parseTimes(stat string) (own, ended time.Duration, err error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 15 {
		return 0, 0, fmt.Errorf("not a stat line: %q", stat)
	}
	var times [4]time.Duration
	for i := range times {
		ticks, err := strconv.ParseInt(fields[11+i], 10, 64)
		if err != nil {
			return 0, 0, err
		}
		times[i] = time.Duration(ticks) * time.Second / userHZ
	}
	return times[0] + times[1], times[2] + times[3], nil
}

// switches counts how often the threads of a process waited.
func switches(pid int) (n int64) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, thread := range threads {
		n += field(thread, "voluntary_ctxt_switches:")
	}
	return n
}

func written(pid int) int64 { return field(fmt.Sprintf("/proc/%d/io", pid), "write_bytes:") }

// field returns a number from a file in /proc; 0 if it cannot be read.
func field(file, name string) int64 {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			return n
		}
	}
	return 0
}
