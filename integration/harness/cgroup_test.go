package harness

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A machine has only one version of control groups, so the other version is read from files.
func TestControlGroupsOfBothVersionsAreRead(t *testing.T) {
	want := Reading{usage: 9000, inactiveFile: 2000, anon: 4000, kernel: 700, Peak: 12000, OomKills: 3, limitHits: 5}
	old := want
	old.Peak = 0
	for _, row := range []struct {
		name  string
		v2    bool
		files map[string]string
		want  Reading
	}{
		{"v1", false, map[string]string{
			"memory.usage_in_bytes":      "9000\n",
			"memory.max_usage_in_bytes":  "12000\n",
			"memory.kmem.usage_in_bytes": "700\n",
			"memory.failcnt":             "5\n",
			"memory.stat":                "inactive_file 1\nrss 2\ntotal_cache 5000\ntotal_rss 4000\ntotal_inactive_file 2000\n",
			"memory.oom_control":         "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
		}, want},
		{"v2", true, map[string]string{
			"memory.current": "9000\n",
			"memory.peak":    "12000\n",
			"memory.stat":    "anon 4000\nkernel 500\nsock 200\nslab 400\ninactive_file 2000\n",
			"memory.events":  "low 0\nmax 5\noom 4\noom_kill 3\n",
		}, want},
		{"v2 before Linux 5.18", true, map[string]string{
			"memory.current": "9000\n",
			"memory.stat":    "anon 4000\nsock 200\nslab 500\ninactive_file 2000\n",
			"memory.events":  "max 5\noom_kill 3\n",
		}, old},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range row.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := Cgroup{dir, row.v2}.Read()
			if err != nil || got != row.want || got.Held() != 7000 {
				t.Errorf("read %+v, held %d, %v; want %+v", got, got.Held(), err, row.want)
			}
			if err := os.WriteFile(filepath.Join(dir, "memory.stat"), []byte("anon much\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := (Cgroup{dir, row.v2}).Read(); err == nil {
				t.Error("a word was read as a number")
			}
			if _, err := (Cgroup{t.TempDir(), row.v2}).Read(); err == nil {
				t.Error("a folder without the files was read")
			}
		})
	}
}

func TestThePeakBetweenTwoReadingsIsNotMissed(t *testing.T) {
	before := Reading{usage: 100, inactiveFile: 30, Peak: 120}
	for _, row := range []struct {
		name string
		now  Reading
		want int64
	}{
		{"the kernel saw no higher one", Reading{usage: 90, inactiveFile: 10, Peak: 120}, 80},
		{"one between the two, while the inactive pages grew", Reading{usage: 90, inactiveFile: 40, Peak: 150}, 120},
		{"one between the two, while they shrank", Reading{usage: 90, inactiveFile: 20, Peak: 150}, 130},
		{"the kernel keeps none", Reading{usage: 90, inactiveFile: 10, sockets: 5}, 85},
	} {
		if got := row.now.peakSince(before); got != row.want {
			t.Errorf("%s: %d, want %d", row.name, got, row.want)
		}
	}
}

func TestMemoryHierarchiesAreFoundAmongTheMounts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mountinfo")
	text := `24 1 0:22 / / rw,relatime - ext4 /dev/vda rw
31 23 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:10 - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
broken line
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := memoryMounts(file)
	want := []Cgroup{{"/sys/fs/cgroup/memory", false}, {"/sys/fs/cgroup/unified", true}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("found %v, %v; want %v", got, err, want)
	}
}
