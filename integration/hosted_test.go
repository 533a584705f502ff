package integration

import (
	"cmp"
	"context"
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

	"github.com/moby/moby/api/types/container"
	"github.com/testcontainers/testcontainers-go"
	"golang.org/x/sys/unix"
)

// openFiles is the container's limit: ten thousand streams and what else is open, with room to spare. Where this machine
// gives less, that has to do.
const openFiles = 65_536

// hosted is a running container that listens on this machine's own loopback address. The engine's proxy, which copies
// every byte of a published port, would be what is measured otherwise.
type hosted struct {
	*service
	port    int
	address netip.AddrPort
	group   cgroup
	workers []int // process ids here, in order
}

// startOnHost runs an image under the usual limits, but for the network and what more says, and returns when two workers serve.
func startOnHost(t *testing.T, image string, settings map[string]string, more ...func(*container.HostConfig)) *hosted {
	t.Helper()
	h := launchOnHost(t, image, settings, more...)
	ctx, cancel := context.WithTimeout(t.Context(), readyWithin)
	defer cancel()
	if err := awaitReady(ctx, h.url); err != nil {
		t.Fatal(err)
	}
	h.group = findCgroup(t, h.GetContainerID())
	eventually(t, "both workers serve", func() bool { // the first one made it ready
		m, ok := h.look()
		h.workers = h.workersNow(t)
		return ok && m.settled() && len(h.workers) == 2
	})
	return h
}

// launchOnHost is startOnHost without the wait, and without what is known only then: group and workers.
func launchOnHost(t *testing.T, image string, settings map[string]string, more ...func(*container.HostConfig)) *hosted {
	t.Helper()
	port := freePort(t)
	env := maps.Clone(settings)
	env["HOST"], env["PORT"] = "127.0.0.1", strconv.Itoa(port)
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	nofile := int64(min(files.Max, openFiles))
	ctr := launch(t, image, testcontainers.WithEnv(env),
		testcontainers.WithHostConfigModifier(func(host *container.HostConfig) {
			limit(host, "")
			host.PortBindings = nil
			host.NetworkMode = "host"
			host.Ulimits = []*container.Ulimit{{Name: "nofile", Soft: nofile, Hard: nofile}}
			for _, change := range more {
				change(host)
			}
		}))
	h := &hosted{service: &service{DockerContainer: ctr, url: fmt.Sprintf("http://127.0.0.1:%d", port)}, port: port}
	h.address = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))
	return h
}

func (h *hosted) workersNow(t *testing.T) []int {
	t.Helper()
	all, err := h.processes()
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, p := range all {
		if p.command == "worker" {
			pids = append(pids, p.pid)
		}
	}
	return pids
}

// process is one of the container's processes, seen from here; memory in bytes.
type process struct {
	pid            int
	command        string // "serve" is the supervisor, "worker" a worker, "healthcheck" the engine's question
	resident, anon int64
}

// processes lists the container's, the supervisor first.
func (h *hosted) processes() ([]process, error) {
	text, err := os.ReadFile(filepath.Join(h.group.dir, "cgroup.procs"))
	if err != nil {
		return nil, err
	}
	var all []process
	for field := range strings.FieldsSeq(string(text)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			return nil, err
		}
		command, err := os.ReadFile(filepath.Join("/proc", field, "cmdline"))
		if err != nil {
			continue // gone: a health check, say
		}
		words := strings.Split(string(command), "\x00")
		if len(words) < 2 {
			continue // about to go
		}
		all = append(all, process{
			pid: pid, command: words[1],
			resident: statusField(field, "VmRSS"), anon: statusField(field, "RssAnon"),
		})
	}
	slices.SortFunc(all, func(a, b process) int {
		return cmp.Or(-cmp.Compare(supervising(a), supervising(b)), a.pid-b.pid)
	})
	return all, nil
}

func supervising(p process) int {
	if p.command == "serve" {
		return 1
	}
	return 0
}

// statusField is a figure of /proc/PID/status, in bytes; 0 for a process that is gone.
func statusField(pid, name string) int64 {
	text, err := os.ReadFile(filepath.Join("/proc", pid, "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64) // the kernel's own spelling
			return kb << 10
		}
	}
	return 0
}

// memoryNow is what the container holds, and who holds it.
type memoryNow struct {
	held    int64 // by the control group; with the sockets' buffers on v1, which counts them apart
	kernel  int64 // of held: kernel objects and, on v2, the sockets' buffers
	buffers int64 // of the service's connections, as the kernel tells of each
	shares  []process
}

// kept is what the processes and the kernel hold for them. The pages of the program's file, which held counts once they
// are in use, are not part of it: the kernel has them back whenever it likes.
func (m memoryNow) kept() int64 { return m.anon() + m.kernel + m.buffers }

func (h *hosted) memory(t *testing.T) memoryNow {
	t.Helper()
	m, err := h.readMemory()
	if err != nil {
		t.Fatalf("reading the container's memory: %v", err)
	}
	return m
}

func (h *hosted) readMemory() (memoryNow, error) {
	r, err := h.read()
	if err != nil {
		return memoryNow{}, err
	}
	m := memoryNow{held: r.held(), kernel: r.kernel, buffers: r.sockets}
	var failed [2]error
	if h.group.v2 {
		m.buffers, failed[0] = buffers(h.port)
	}
	m.shares, failed[1] = h.processes()
	return m, errors.Join(failed[:]...)
}

// awaitKept waits until no more than so much is kept, or it has been long enough, and returns what is.
func (h *hosted) awaitKept(t *testing.T, most int64) int64 {
	t.Helper()
	kept := h.memory(t).kept()
	for deadline := time.Now().Add(readyWithin); kept > most && time.Now().Before(deadline); time.Sleep(sampleEvery) {
		kept = h.memory(t).kept()
	}
	return kept
}

// read is the control group's reading, with the sockets' buffers also where that counts them apart.
func (h *hosted) read() (reading, error) {
	r, err := h.group.read()
	if err != nil || h.group.v2 {
		return r, err
	}
	r.sockets, err = buffers(h.port)
	return r, err
}

// buffers are what the connections to a port take, in bytes, as the kernel tells of each.
func buffers(port int) (sum int64, err error) {
	all, err := sockets(port)
	for _, s := range all {
		sum += s.memory
	}
	return sum, err
}

// words say who holds the memory.
func (m memoryNow) words() string {
	var b strings.Builder
	for i, p := range m.shares {
		name := p.command
		switch name {
		case "serve":
			name = "supervisor"
		case "worker":
			name = fmt.Sprintf("worker %d", i)
		}
		fmt.Fprintf(&b, "%s %s (anonymous %s), ", name, megabytes(p.resident), megabytes(p.anon))
	}
	return fmt.Sprintf("%skernel %s, buffers %s", b.String(), megabytes(m.kernel), megabytes(m.buffers))
}
