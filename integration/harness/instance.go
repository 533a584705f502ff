package harness

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"studysharper/app/testkit"

	"github.com/moby/moby/api/types/container"
	"github.com/testcontainers/testcontainers-go"
	"golang.org/x/sys/unix"
)

// SettleFor is how long a container rests before its memory is read. Memory used by a start or a spike is returned by
// then.
const SettleFor = 5 * time.Second

// openFiles is the container's limit of open files: enough for ten thousand streams. A lower limit of this machine
// takes precedence.
const openFiles = 65_536

// Instance is a running container that listens on this machine's own loopback address. A published port would add the
// engine's proxy, which copies every byte, to the measurement.
type Instance struct {
	*Service
	Port    int
	Address netip.AddrPort
	Group   Cgroup
	Workers []int // process ids on this machine, in order
}

// StartInstance runs an image in the host's network, under the usual limits as changed by more, and returns when two
// workers are ready.
func StartInstance(t *testing.T, image string, settings map[string]string, more ...func(*container.HostConfig)) *Instance {
	t.Helper()
	h := LaunchInstance(t, image, settings, more...)
	if err := AwaitReady(h.URL, ReadyWithin); err != nil {
		t.Fatal(err)
	}
	h.Group = FindCgroup(t, h.GetContainerID())
	testkit.Eventually(t, "both workers serve", func() bool { // one ready worker makes /readyz answer
		m, ok := h.TryMetrics()
		h.Workers = h.WorkersNow(t)
		return ok && m.Settled() && len(h.Workers) == 2
	})
	return h
}

// LaunchInstance is StartInstance without the wait. Group and Workers are not set.
func LaunchInstance(t *testing.T, image string, settings map[string]string, more ...func(*container.HostConfig)) *Instance {
	t.Helper()
	port := FreePort(t)
	env := maps.Clone(settings)
	env["HOST"], env["PORT"] = "127.0.0.1", strconv.Itoa(port)
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	nofile := int64(min(files.Max, openFiles))
	ctr := Launch(t, image, testcontainers.WithEnv(env),
		testcontainers.WithHostConfigModifier(func(host *container.HostConfig) {
			Limit(host, "")
			host.PortBindings = nil
			host.NetworkMode = "host"
			host.Ulimits = []*container.Ulimit{{Name: "nofile", Soft: nofile, Hard: nofile}}
			for _, change := range more {
				change(host)
			}
		}))
	h := &Instance{Service: &Service{DockerContainer: ctr, URL: fmt.Sprintf("http://127.0.0.1:%d", port)}, Port: port}
	h.Address = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))
	return h
}

// WorkersNow returns the process ids of the workers that exist now.
func (h *Instance) WorkersNow(t *testing.T) []int {
	t.Helper()
	all, err := h.Processes()
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, p := range all {
		if p.Command == "worker" {
			pids = append(pids, p.PID)
		}
	}
	return pids
}

// Process is one of the container's processes, seen from this machine; memory in bytes.
type Process struct {
	PID            int
	Command        string // "serve" is the supervisor, "worker" a worker, "healthcheck" the engine's probe
	resident, Anon int64
}

// Processes lists the container's processes, the supervisor first.
func (h *Instance) Processes() ([]Process, error) {
	text, err := os.ReadFile(filepath.Join(h.Group.Dir, "cgroup.procs"))
	if err != nil {
		return nil, err
	}
	var all []Process
	for field := range strings.FieldsSeq(string(text)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			return nil, err
		}
		command, err := os.ReadFile(filepath.Join("/proc", field, "cmdline"))
		if err != nil {
			continue // gone, for example a health check
		}
		words := strings.Split(string(command), "\x00")
		if len(words) < 2 {
			continue // about to exit
		}
		all = append(all, Process{
			PID: pid, Command: words[1],
			resident: StatusField(field, "VmRSS"), Anon: StatusField(field, "RssAnon"),
		})
	}
	slices.SortFunc(all, func(a, b Process) int {
		return cmp.Or(-cmp.Compare(supervising(a), supervising(b)), a.PID-b.PID)
	})
	return all, nil
}

func supervising(p Process) int {
	if p.Command == "serve" {
		return 1
	}
	return 0
}

// StatusField returns a figure in /proc/PID/status, in bytes; 0 for a process that has ended.
func StatusField(pid, name string) int64 {
	text, err := os.ReadFile(filepath.Join("/proc", pid, "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64) // written by the kernel
			return kb << 10
		}
	}
	return 0
}

// MemoryUse is the memory of a container, in bytes, and of each of its processes.
type MemoryUse struct {
	Held    int64 // by the control group, plus on v1 the sockets' buffers, which v1 counts separately
	Kernel  int64 // part of Held: kernel objects and, on v2, the sockets' buffers
	buffers int64 // of the service's connections, by sock_diag
	Shares  []Process
}

// Anon returns the anonymous memory of all processes.
func (m MemoryUse) Anon() int64 {
	var sum int64
	for _, p := range m.Shares {
		sum += p.Anon
	}
	return sum
}

// Kept returns the memory of the processes and the kernel's memory for them. It excludes the pages of the program's
// file, which Held counts while they are in use: the kernel can reclaim them at any time.
func (m MemoryUse) Kept() int64 { return m.Anon() + m.Kernel + m.buffers }

// Memory reads the container's memory.
func (h *Instance) Memory(t *testing.T) MemoryUse {
	t.Helper()
	m, err := h.ReadMemory()
	if err != nil {
		t.Fatalf("reading the container's memory: %v", err)
	}
	return m
}

// ReadMemory is Memory for goroutines, which must not end the test.
func (h *Instance) ReadMemory() (MemoryUse, error) {
	r, err := h.ReadCgroup()
	if err != nil {
		return MemoryUse{}, err
	}
	m := MemoryUse{Held: r.Held(), Kernel: r.kernel, buffers: r.sockets}
	var failed [2]error
	if h.Group.v2 {
		m.buffers, failed[0] = buffers(h.Port)
	}
	m.Shares, failed[1] = h.Processes()
	return m, errors.Join(failed[:]...)
}

// AwaitKept waits until Kept is at most this much, for ReadyWithin at most, and returns Kept.
func (h *Instance) AwaitKept(t *testing.T, most int64) int64 {
	t.Helper()
	var kept int64
	testkit.PollFor(ReadyWithin, sampleEvery, func() bool {
		kept = h.Memory(t).Kept()
		return kept <= most
	})
	return kept
}

// ReadCgroup reads the control group, and on v1 the sockets' buffers, which v1 counts separately.
func (h *Instance) ReadCgroup() (Reading, error) {
	r, err := h.Group.Read()
	if err != nil || h.Group.v2 {
		return r, err
	}
	r.sockets, err = buffers(h.Port)
	return r, err
}

// buffers returns the socket buffers of the connections to a port, in bytes.
func buffers(port int) (sum int64, err error) {
	all, err := sockets(port)
	for _, s := range all {
		sum += s.memory
	}
	return sum, err
}

// String lists the memory of each process.
func (m MemoryUse) String() string {
	var b strings.Builder
	for i, p := range m.Shares {
		name := p.Command
		switch name {
		case "serve":
			name = "supervisor"
		case "worker":
			name = fmt.Sprintf("worker %d", i)
		}
		fmt.Fprintf(&b, "%s %s (anonymous %s), ", name, Megabytes(p.resident), Megabytes(p.Anon))
	}
	return fmt.Sprintf("%skernel %s, buffers %s", b.String(), Megabytes(m.Kernel), Megabytes(m.buffers))
}

// Held returns the container's current memory, on v1 without the sockets' buffers.
func (h *Instance) Held(t *testing.T) int64 {
	t.Helper()
	r, err := h.Group.Read()
	if err != nil {
		t.Fatal(err)
	}
	return r.Held()
}
