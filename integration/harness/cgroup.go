package harness

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Cgroup is a container's memory control group as seen from the host. The service's own figures are compared with it.
type Cgroup struct {
	Dir string
	v2  bool
}

// Reading contains the figures of a control group at one moment, in bytes.
type Reading struct {
	usage        int64
	inactiveFile int64 // page cache that the kernel drops first, at no cost
	anon         int64 // of the processes alone
	kernel       int64 // kernel objects and, on v2, the sockets' buffers
	sockets      int64 // buffers of the service's connections if usage excludes them (v1), and if they were read
	Peak         int64 // highest usage ever, including page cache; 0 if the kernel does not record it (v2 before 5.19)
	OomKills     int64
	limitHits    int64 // how often the limit was reached
}

// Held returns what the container needs: usage less inactive file pages.
func (r Reading) Held() int64 { return r.usage - r.inactiveFile + r.sockets }

// String formats the reading for a report, in MB.
func (r Reading) String() string {
	mb := func(bytes int64) float64 { return float64(bytes) / 1e6 }
	return fmt.Sprintf("%.1f MB held (usage %.1f, inactive file %.1f, anonymous %.1f, kernel %.1f), peak %.1f, %d OOM kills",
		mb(r.Held()), mb(r.usage), mb(r.inactiveFile), mb(r.anon), mb(r.kernel), mb(r.Peak), r.OomKills)
}

// peakSince returns the highest memory since an earlier reading. If the kernel's own peak rose in between, it counts
// too, less the inactive pages of whichever reading had fewer, so that no peak is missed, however short.
func (r Reading) peakSince(before Reading) int64 {
	peak := r.Held()
	if r.Peak > before.Peak {
		peak = max(peak, r.Peak-min(r.inactiveFile, before.inactiveFile)+max(r.sockets, before.sockets))
	}
	return peak
}

// FindCgroup finds the container by its id, under each mounted hierarchy that has a memory controller. It does not depend
// on where the engine creates the group (docker/ID, system.slice/docker-ID.scope, or in another container's group).
func FindCgroup(t *testing.T, containerID string) Cgroup {
	t.Helper()
	mounts, err := memoryMounts("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, mount := range mounts {
		var found string
		err := filepath.WalkDir(mount.Dir, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return fs.SkipDir // a group that has vanished belongs to another container
			case !entry.IsDir() || !strings.Contains(entry.Name(), containerID) || !Exists(filepath.Join(path, mount.usageFile())):
				return nil
			}
			found = path
			return fs.SkipAll
		})
		if err != nil {
			t.Fatalf("searching %s: %v", mount.Dir, err)
		}
		if found != "" {
			return Cgroup{found, mount.v2}
		}
	}
	t.Fatalf("no memory control group of container %s under %v: these tests have to run where the Docker engine runs", containerID, mounts)
	return Cgroup{}
}

// OpenCgroup returns the group of a folder.
func OpenCgroup(dir string) Cgroup {
	return Cgroup{dir, Exists(filepath.Join(dir, "memory.current"))}
}

// Exists reports whether a file exists.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// memoryMounts returns the mount points, v1 and v2, that can contain memory groups.
func memoryMounts(mountinfo string) ([]Cgroup, error) {
	file, err := os.Open(mountinfo)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var mounts []Cgroup
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		left, right, ok := strings.Cut(lines.Text(), " - ")
		before, after := strings.Fields(left), strings.Fields(right)
		if !ok || len(before) < 5 || len(after) < 3 {
			continue
		}
		switch {
		case after[0] == "cgroup2":
			mounts = append(mounts, Cgroup{before[4], true})
		case after[0] == "cgroup" && slices.Contains(strings.Split(after[2], ","), "memory"):
			mounts = append(mounts, Cgroup{before[4], false})
		}
	}
	return mounts, lines.Err()
}

func (c Cgroup) usageFile() string {
	if c.v2 {
		return "memory.current"
	}
	return "memory.usage_in_bytes"
}

// Read reads the group's figures.
func (c Cgroup) Read() (Reading, error) {
	stat, err := c.fields("memory.stat")
	if err != nil {
		return Reading{}, err
	}
	if c.v2 {
		return c.readV2(stat)
	}
	var r Reading
	var failed [5]error
	r.inactiveFile, r.anon = stat["total_inactive_file"], stat["total_rss"]
	r.usage, failed[0] = c.number(c.usageFile())
	r.kernel, failed[1] = c.number("memory.kmem.usage_in_bytes")
	r.Peak, failed[2] = c.number("memory.max_usage_in_bytes")
	r.limitHits, failed[3] = c.number("memory.failcnt")
	control, err := c.fields("memory.oom_control")
	r.OomKills, failed[4] = control["oom_kill"], err
	return r, errors.Join(failed[:]...)
}

func (c Cgroup) readV2(stat map[string]int64) (Reading, error) {
	r := Reading{inactiveFile: stat["inactive_file"], anon: stat["anon"]}
	kernel, known := stat["kernel"]
	if !known { // before Linux 5.18
		kernel = stat["slab"]
	}
	r.kernel = kernel + stat["sock"]
	var failed [3]error
	r.usage, failed[0] = c.number(c.usageFile())
	r.Peak, failed[1] = c.number("memory.peak")
	if errors.Is(failed[1], fs.ErrNotExist) {
		failed[1] = nil
	}
	events, err := c.fields("memory.events")
	r.OomKills, r.limitHits, failed[2] = events["oom_kill"], events["max"], err
	return r, errors.Join(failed[:]...)
}

func (c Cgroup) number(file string) (int64, error) {
	text, err := os.ReadFile(filepath.Join(c.Dir, file))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

// fields reads a file of lines with a name and a number each.
func (c Cgroup) fields(file string) (map[string]int64, error) {
	text, err := os.ReadFile(filepath.Join(c.Dir, file))
	if err != nil {
		return nil, err
	}
	all := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if all[name], err = strconv.ParseInt(value, 10, 64); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", file, line, err)
		}
	}
	return all, nil
}
