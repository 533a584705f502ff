// Package memory tells what a process and its container hold (cgroup versions 1 and 2, /proc), and gives memory back
// after a load spike and when a process ends.
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

// ErrNoCgroup says that the process is in no memory cgroup that can be read.
var ErrNoCgroup = errors.New("no memory cgroup")

// Cgroup reads the memory cgroup of a process, version 1 or 2 of the kernel's
// interface (Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst).
// The zero Cgroup is that of a machine without one. It keeps nothing open.
type Cgroup struct {
	root    fs.FS
	version int
	folder  string // of the process's own group
	top     string // the hierarchy's mount point, an ancestor of folder or folder itself
}

// Usage is what a cgroup says, in bytes.
type Usage struct {
	UsageBytes        int64 // all that is charged to the group
	InactiveFileBytes int64 // of that, page cache the kernel takes back first
	PeakBytes         int64 // highest usage so far; 0 where the kernel does not say
	LimitBytes        int64 // smallest limit of the group and its visible ancestors; 0 = none
	OOMKills          int64 // processes the kernel has killed in the group
}

// Container is usage less inactive file pages, the figure that `docker stats` and
// Kubernetes call a container's memory.
func (m Usage) Container() int64 { return max(0, m.UsageBytes-m.InactiveFileBytes) }

// unlimited is above every real limit: version 1 writes "no limit" as the largest
// multiple of the page size.
const unlimited = math.MaxInt64 &^ (1<<20 - 1)

// Limit is the memory limit of this process's container in bytes; 0 = there is none, or it cannot be read.
func Limit() int64 {
	usage, err := OwnCgroup().Memory()
	if err != nil {
		return 0
	}
	return usage.LimitBytes
}

// OwnCgroup is that of this process, which is looked for once: the list of mounts may be long.
func OwnCgroup() Cgroup { return ownCgroup() }

var ownCgroup = sync.OnceValue(func() Cgroup { return OpenCgroup(os.DirFS("/")) })

// OpenCgroup finds the memory cgroup of this process below a root, usually
// os.DirFS("/"). Where there is none, the Cgroup's Usage is ErrNoCgroup.
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

// memberships gives the lines that can hold the memory controller; with both
// hierarchies mounted it is version 1's when that one has it.
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

// locate finds the group's folder below the mount. In a container the mount shows
// the container's own group while the membership may name the host's path: then
// the mount point is the group.
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

// Version is 1 or 2; 0 = there is none.
func (c Cgroup) Version() int { return c.version }

// names are a version's files and keys.
type names struct{ usage, peak, limit, inactive, events string }

func (c Cgroup) names() names {
	if c.version == 1 {
		return names{"memory.usage_in_bytes", "memory.max_usage_in_bytes", "memory.limit_in_bytes", "total_inactive_file", "memory.oom_control"}
	}
	return names{"memory.current", "memory.peak", "memory.max", "inactive_file", "memory.events"}
}

// Memory reads the group now. Only a group whose usage cannot be read is an error;
// a file that an older kernel does not have leaves its figure 0.
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

// OOMKills is Usage.OOMKills alone, which is cheap enough to ask for often; 0 where it cannot be read.
func (c Cgroup) OOMKills() int64 { return c.keyed(c.names().events, "oom_kill") }

// limit is the smallest limit from the group up to the mount point. Version 1 also
// says what the ancestors that a container does not see leave it.
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

// keyed reads a value of a file of "key value" lines; 0 where it is missing.
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
