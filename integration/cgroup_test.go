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
	"time"
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
	peak         int64 // highest usage ever, page cache included; 0 where the kernel does not keep it (v2 before 5.19)
	oomKills     int64
}

// held is what the container really needs: usage less inactive file pages.
func (r reading) held() int64 { return r.usage - r.inactiveFile }

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
				return fs.SkipDir // a group that vanished meanwhile is none of ours
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
	peakFile, inactive, oomFile := "memory.max_usage_in_bytes", "total_inactive_file", "memory.oom_control"
	if c.v2 {
		peakFile, inactive, oomFile = "memory.peak", "inactive_file", "memory.events"
	}
	var r reading
	var failed [4]error
	r.usage, failed[0] = c.number(c.usageFile())
	r.inactiveFile, failed[1] = c.field("memory.stat", inactive)
	r.oomKills, failed[2] = c.field(oomFile, "oom_kill")
	r.peak, failed[3] = c.number(peakFile)
	if c.v2 && errors.Is(failed[3], fs.ErrNotExist) {
		failed[3] = nil
	}
	return r, errors.Join(failed[:]...)
}

func (c cgroup) number(file string) (int64, error) {
	text, err := os.ReadFile(filepath.Join(c.dir, file))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

func (c cgroup) field(file, name string) (int64, error) {
	text, err := os.ReadFile(filepath.Join(c.dir, file))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if key, value, _ := strings.Cut(strings.TrimSpace(line), " "); key == name {
			return strconv.ParseInt(value, 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no field %s", file, name)
}

// sampler reads a control group every 100 ms until it is stopped.
type sampler struct {
	group cgroup
	stop  chan struct{}
	done  chan struct{}
	peak  int64 // of held; safe to read once done is closed
	last  reading
	err   error
}

func sample(t *testing.T, group cgroup) *sampler {
	t.Helper()
	s := &sampler{group: group, stop: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

func (s *sampler) run() {
	defer close(s.done)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if s.last, s.err = s.group.read(); s.err != nil {
			return
		}
		s.peak = max(s.peak, s.last.held())
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
	}
}

// end stops the sampling, after one last reading, and returns the peak and that reading. The peak is the higher of two
// figures: the highest sample, which may miss what is over in less than 100 ms, and the kernel's own peak less the
// inactive file pages of now, which misses nothing but takes them for what they were at the peak.
func (s *sampler) end(t *testing.T) (int64, reading) {
	t.Helper()
	close(s.stop)
	<-s.done
	if s.err != nil {
		t.Fatalf("reading the control group: %v", s.err)
	}
	return max(s.peak, s.last.peak-s.last.inactiveFile), s.last
}
