package harness

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// versions are the versions of what was measured, and of the tools.
type versions struct {
	Go     string `json:"go"`
	Commit string `json:"commit"` // with a + if files differ from it
	Image  string `json:"image"`  // its id
	Docker string `json:"docker"`
}

// machine describes the machine on which the figures were measured.
type machine struct {
	Cores  int    `json:"cores"`
	Memory int64  `json:"memory"` // bytes
	Kernel string `json:"kernel"`
	Cgroup string `json:"cgroup"` // v1 or v2
}

const unknown = "unknown"

func versionsNow() versions {
	commit := said("git", "rev-parse", "--short=12", "HEAD")
	if commit != unknown && said("git", "status", "--porcelain") != "" {
		commit += "+"
	}
	id := strings.TrimPrefix(said("docker", "image", "inspect", "--format", "{{.Id}}", Image), "sha256:")
	return versions{runtime.Version(), commit, id[:min(len(id), 12)], said("docker", "version", "--format", "{{.Server.Version}}")}
}

// said returns what a command printed.
func said(name string, arguments ...string) string {
	out, err := exec.Command(name, arguments...).Output()
	if err != nil {
		return unknown
	}
	return strings.TrimSpace(string(out))
}

func machineNow() machine {
	m := machine{Cores: runtime.NumCPU(), Memory: totalMemory(), Kernel: unknown, Cgroup: unknown}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	mounts, err := memoryMounts("/proc/self/mountinfo")
	for _, mount := range mounts {
		if err == nil && (!mount.v2 || m.Cgroup == unknown) { // if both exist, memory is on v1
			m.Cgroup = map[bool]string{false: "v1", true: "v2"}[mount.v2]
		}
	}
	return m
}

// totalMemory returns the machine's memory in bytes; 0 = unknown.
func totalMemory() int64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64) // written by the kernel
			return kb << 10
		}
	}
	return 0
}
