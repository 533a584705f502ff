package integration

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

// cgroup is a container's memory control group as the host sees it. The reading from outside is the judge of what the
// service says of itself.
type cgroup struct {
	dir string
	v2  bool
}

// reading is one look at a control group, in bytes.
type reading struct {
	usage        int64
	inactiveFile int64 // page cache that the kernel drops first, and for nothing
	anon         int64 // of the processes alone
	kernel       int64 // kernel objects and, on v2, the sockets' buffers
	sockets      int64 // buffers of the service's connections where usage leaves them out (v1), if they were asked for
	peak         int64 // highest usage ever, page cache included; 0 where the kernel does not keep it (v2 before 5.19)
	oomKills     int64
	limitHits    int64 // times that the limit was run into
}

// held is what the container really needs: usage less inactive file pages.
func (r reading) held() int64 { return r.usage - r.inactiveFile + r.sockets }

// peakSince is the most that was held since an earlier reading. Where the kernel's own peak rose meanwhile, it fell
// between the two: less what was inactive then, at the least, nothing is missed, however short it was.
func (r reading) peakSince(before reading) int64 {
	peak := r.held()
	if r.peak > before.peak {
		peak = max(peak, r.peak-min(r.inactiveFile, before.inactiveFile)+max(r.sockets, before.sockets))
	}
	return peak
}

// findCgroup looks the container up by its id, which is unique, under each mounted hierarchy that has a memory
// controller: where the engine hangs it (docker/ID, system.slice/docker-ID.scope, nested in another container's
// group) does not matter.
func findCgroup(t *testing.T, containerID string) cgroup {
	t.Helper()
	mounts, err := memoryMounts("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, mount := range mounts {
		var found string
		err := filepath.WalkDir(mount.dir, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return fs.SkipDir // a group that vanished meanwhile is not ours
			case !entry.IsDir() || !strings.Contains(entry.Name(), containerID) || !exists(filepath.Join(path, mount.usageFile())):
				return nil
			}
			found = path
			return fs.SkipAll
		})
		if err != nil {
			t.Fatalf("searching %s: %v", mount.dir, err)
		}
		if found != "" {
			return cgroup{found, mount.v2}
		}
	}
	t.Fatalf("no memory control group of container %s under %v: these tests have to run where the Docker engine runs", containerID, mounts)
	return cgroup{}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// memoryMounts are the mount points, v1 and v2, at which memory groups can be.
func memoryMounts(mountinfo string) ([]cgroup, error) {
	file, err := os.Open(mountinfo)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var mounts []cgroup
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		left, right, ok := strings.Cut(lines.Text(), " - ")
		before, after := strings.Fields(left), strings.Fields(right)
		if !ok || len(before) < 5 || len(after) < 3 {
			continue
		}
		switch {
		case after[0] == "cgroup2":
			mounts = append(mounts, cgroup{before[4], true})
		case after[0] == "cgroup" && slices.Contains(strings.Split(after[2], ","), "memory"):
			mounts = append(mounts, cgroup{before[4], false})
		}
	}
	return mounts, lines.Err()
}

func (c cgroup) usageFile() string {
	if c.v2 {
		return "memory.current"
	}
	return "memory.usage_in_bytes"
}

func (c cgroup) read() (reading, error) {
	stat, err := c.fields("memory.stat")
	if err != nil {
		return reading{}, err
	}
	if c.v2 {
		return c.readV2(stat)
	}
	var r reading
	var failed [5]error
	r.inactiveFile, r.anon = stat["total_inactive_file"], stat["total_rss"]
	r.usage, failed[0] = c.number(c.usageFile())
	r.kernel, failed[1] = c.number("memory.kmem.usage_in_bytes")
	r.peak, failed[2] = c.number("memory.max_usage_in_bytes")
	r.limitHits, failed[3] = c.number("memory.failcnt")
	control, err := c.fields("memory.oom_control")
	r.oomKills, failed[4] = control["oom_kill"], err
	return r, errors.Join(failed[:]...)
}

func (c cgroup) readV2(stat map[string]int64) (reading, error) {
	r := reading{inactiveFile: stat["inactive_file"], anon: stat["anon"]}
	kernel, known := stat["kernel"]
	if !known { // before Linux 5.18
		kernel = stat["slab"]
	}
	r.kernel = kernel + stat["sock"]
	var failed [3]error
	r.usage, failed[0] = c.number(c.usageFile())
	r.peak, failed[1] = c.number("memory.peak")
	if errors.Is(failed[1], fs.ErrNotExist) {
		failed[1] = nil
	}
	events, err := c.fields("memory.events")
	r.oomKills, r.limitHits, failed[2] = events["oom_kill"], events["max"], err
	return r, errors.Join(failed[:]...)
}

func (c cgroup) number(file string) (int64, error) {
	text, err := os.ReadFile(filepath.Join(c.dir, file))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

// fields are the lines of a file, each a name and a number.
func (c cgroup) fields(file string) (map[string]int64, error) {
	text, err := os.ReadFile(filepath.Join(c.dir, file))
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
