// Package memory reports the memory use of a process and its container (cgroup versions 1 and 2, /proc), and returns
// memory to the system after a load spike and when a process ends.
package memory

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
)

// ErrNoCgroup reports that the process has no readable memory cgroup.
var ErrNoCgroup = errors.New("no memory cgroup")

// Cgroup reads the memory cgroup of a process, version 1 or 2 of the kernel's interface
// (Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst). The zero Cgroup means that there is none. It
// keeps no file open.
type Cgroup struct {
	root    fs.FS
	version int
	folder  string // of the process's own group
	top     string // the hierarchy's mount point, an ancestor of folder or folder itself
}

// Usage is what a cgroup reports, in bytes.
type Usage struct {
	UsageBytes        int64 // all memory charged to the group
	InactiveFileBytes int64 // part of it: page cache that the kernel reclaims first
	PeakBytes         int64 // highest usage so far; 0 if the kernel does not report it
	LimitBytes        int64 // smallest limit of the group and its visible ancestors; 0 = none
	OOMKills          int64 // processes of the group killed by the OOM killer
}

// Container is the usage without inactive file pages, the figure that `docker stats` and Kubernetes report as a
// container's memory.
func (m Usage) Container() int64 { return max(0, m.UsageBytes-m.InactiveFileBytes) }

// unlimited exceeds every real limit: version 1 reports "no limit" as the largest multiple of the page size.
const unlimited = math.MaxInt64 &^ (1<<20 - 1)

// Limit returns the memory limit of this process's container in bytes; 0 if there is none, or it cannot be read.
func Limit() int64 {
	usage, err := OwnCgroup().Memory()
	if err != nil {
		return 0
	}
	return usage.LimitBytes
}

// OwnCgroup returns this process's cgroup. It searches for it only once, because the list of mounts may be long.
func OwnCgroup() Cgroup { return ownCgroup() }

var ownCgroup = sync.OnceValue(func() Cgroup { return OpenCgroup(os.DirFS("/")) })

// OpenCgroup finds the memory cgroup of this process below a root, usually os.DirFS("/"). If there is none, the
// Cgroup's Memory returns ErrNoCgroup.
func OpenCgroup(root fs.FS) Cgroup {
	mounts := cgroupMounts(root)
	for _, membership := range memberships(root) {
		version := 1
		if membership.controllers == "" {
			version = 2
		}
		for _, m := range mounts {
			if c, ok := m.locate(root, version, membership); ok {
				return c
			}
		}
	}
	return Cgroup{}
}

// membership is a line of /proc/self/cgroup (cgroups(7)).
type membership struct {
	controllers string // "" = version 2
	path        string
}

// memberships returns the lines that can name the memory controller. If both hierarchies are mounted and version 1 has
// the controller, it returns version 1's.
func memberships(root fs.FS) []membership {
	data, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil
	}
	var found []membership
	for line := range strings.Lines(string(data)) {
		fields := strings.SplitN(strings.TrimRight(line, "\n"), ":", 3)
		if len(fields) != 3 {
			continue
		}
		switch m := (membership{fields[1], fields[2]}); {
		case has(m.controllers, "memory"):
			found = append([]membership{m}, found...)
		case m.controllers == "":
			found = append(found, m)
		}
	}
	return found
}

// mount is a mounted cgroup hierarchy: a line of /proc/self/mountinfo (proc(5)).
type mount struct {
	version int
	shown   string // the part of the hierarchy that is mounted
	point   string // where, without the leading slash
}

func cgroupMounts(root fs.FS) []mount {
	data, err := fs.ReadFile(root, "proc/self/mountinfo")
	if err != nil {
		return nil
	}
	var mounts []mount
	for line := range strings.Lines(string(data)) {
		front, back, ok := strings.Cut(line, " - ")
		place, kind := strings.Fields(front), strings.Fields(back)
		if !ok || len(place) < 5 || len(kind) < 3 {
			continue
		}
		m := mount{shown: place[3], point: strings.TrimPrefix(place[4], "/")}
		switch {
		case kind[0] == "cgroup2":
			m.version = 2
		case kind[0] == "cgroup" && has(kind[2], "memory"):
			m.version = 1
		default:
			continue
		}
		mounts = append(mounts, m)
	}
	return mounts
}

// locate finds the group's folder below the mount. In a container, the mount may show only the container's own group
// while the membership names the host's path; then the mount point is the group.
func (m mount) locate(root fs.FS, version int, of membership) (Cgroup, bool) {
	if m.version != version {
		return Cgroup{}, false
	}
	below := strings.TrimPrefix(of.path, strings.TrimSuffix(m.shown, "/"))
	for _, folder := range []string{path.Join(m.point, below), path.Join(m.point, of.path), m.point} {
		c := Cgroup{root: root, version: version, folder: folder, top: m.point}
		if _, err := c.number(c.folder, c.names().usage); err == nil {
			return c, true
		}
	}
	return Cgroup{}, false
}

func has(list, word string) bool {
	for item := range strings.SplitSeq(list, ",") {
		if item == word {
			return true
		}
	}
	return false
}

// Version returns 1 or 2; 0 if there is no cgroup.
func (c Cgroup) Version() int { return c.version }

// names are the files and keys of a version.
type names struct{ usage, peak, limit, inactive, events string }

func (c Cgroup) names() names {
	if c.version == 1 {
		return names{"memory.usage_in_bytes", "memory.max_usage_in_bytes", "memory.limit_in_bytes", "total_inactive_file", "memory.oom_control"}
	}
	return names{"memory.current", "memory.peak", "memory.max", "inactive_file", "memory.events"}
}

// Memory reads the group's current usage. It returns an error only if the usage cannot be read; figures whose files an
// older kernel lacks are 0.
func (c Cgroup) Memory() (Usage, error) {
	if c.version == 0 {
		return Usage{}, ErrNoCgroup
	}
	n := c.names()
	usage, err := c.number(c.folder, n.usage)
	if err != nil {
		return Usage{}, err
	}
	m := Usage{UsageBytes: usage, LimitBytes: c.limit(n.limit)}
	m.PeakBytes, _ = c.number(c.folder, n.peak)
	m.InactiveFileBytes = c.keyed("memory.stat", n.inactive)
	m.OOMKills = c.OOMKills()
	return m, nil
}

// OOMKills returns only Usage.OOMKills, which is cheap enough to call often; 0 if it cannot be read.
func (c Cgroup) OOMKills() int64 { return c.keyed(c.names().events, "oom_kill") }

// limit returns the smallest limit from the group up to the mount point. Version 1 also reports limits of ancestors
// that are not visible in a container.
func (c Cgroup) limit(file string) int64 {
	smallest := int64(0)
	if n := c.keyed("memory.stat", "hierarchical_memory_limit"); n < unlimited {
		smallest = n
	}
	for folder := c.folder; ; folder = path.Dir(folder) {
		if n, err := c.number(folder, file); err == nil && n < unlimited && (smallest == 0 || n < smallest) {
			smallest = n
		}
		if folder == c.top || folder == "." {
			return smallest
		}
	}
}

func (c Cgroup) number(folder, file string) (int64, error) {
	data, err := fs.ReadFile(c.root, path.Join(folder, file))
	if err != nil {
		return 0, err
	}
	text := strings.TrimSpace(string(data))
	if text == "max" {
		return math.MaxInt64, nil
	}
	n, err := strconv.ParseUint(text, 10, 63) // none of the figures is ever negative
	return int64(n), err
}

// keyed reads a value from a file of "key value" lines; 0 if it is missing.
func (c Cgroup) keyed(file, key string) int64 {
	if c.version == 0 {
		return 0
	}
	data, err := fs.ReadFile(c.root, path.Join(c.folder, file))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseUint(value, 10, 63); err == nil && name == key {
			return int64(n)
		}
	}
	return 0
}
