package integration

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// One machine has one version of control groups, so the other is read from files.
func TestControlGroupsOfBothVersionsAreRead(t *testing.T) {
	for _, row := range []struct {
		name  string
		v2    bool
		files map[string]string
		want  reading
	}{
		{"v1", false, map[string]string{
			"memory.usage_in_bytes":     "9000\n",
			"memory.max_usage_in_bytes": "12000\n",
			"memory.stat":               "inactive_file 1\ntotal_cache 5000\ntotal_inactive_file 2000\n",
			"memory.oom_control":        "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
		}, reading{9000, 2000, 12000, 3}},
		{"v2", true, map[string]string{
			"memory.current": "9000\n",
			"memory.peak":    "12000\n",
			"memory.stat":    "anon 4000\ninactive_file 2000\n",
			"memory.events":  "low 0\noom 4\noom_kill 3\n",
		}, reading{9000, 2000, 12000, 3}},
		{"v2 before Linux 5.19", true, map[string]string{
			"memory.current": "9000\n",
			"memory.stat":    "inactive_file 2000\n",
			"memory.events":  "oom_kill 0\n",
		}, reading{9000, 2000, 0, 0}},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range row.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := cgroup{dir, row.v2}.read()
			if err != nil || got != row.want || got.held() != 7000 {
				t.Errorf("read %+v, held %d, %v; want %+v", got, got.held(), err, row.want)
			}
			if _, err := (cgroup{t.TempDir(), row.v2}).read(); err == nil {
				t.Error("a folder without the files was read")
			}
		})
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
	want := []cgroup{{"/sys/fs/cgroup/memory", false}, {"/sys/fs/cgroup/unified", true}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("found %v, %v; want %v", got, err, want)
	}
}

func TestTheKernelsPartIsReadFromBothVersions(t *testing.T) {
	for _, row := range []struct {
		name  string
		v2    bool
		files map[string]string
	}{
		{"v1", false, map[string]string{"memory.kmem.usage_in_bytes": "700\n"}},
		{"v2", true, map[string]string{"memory.stat": "anon 4000\nkernel 500\nsock 200\nslab 400\n"}},
		{"v2 before Linux 5.18", true, map[string]string{"memory.stat": "sock 200\nslab 500\n"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range row.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := (cgroup{dir, row.v2}).kernel(); err != nil || got != 700 {
				t.Errorf("read %d, %v; want 700", got, err)
			}
		})
	}
}
