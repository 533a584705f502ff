package memory

import (
	"errors"
	"testing"
	"testing/fstest"
)

func tree(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

const (
	v1Mount     = "33 25 0:29 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory\n"
	v1Container = "33 25 0:29 /docker/abc /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory\n"
	v2Mount     = "33 25 0:29 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
	hybrid      = "20 25 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n" + v1Mount
	none        = "9223372036854771712\n"
)

func v1Files(folder string, limit string) map[string]string {
	return map[string]string{
		folder + "/memory.usage_in_bytes":     "1000\n",
		folder + "/memory.max_usage_in_bytes": "2000\n",
		folder + "/memory.limit_in_bytes":     limit,
		folder + "/memory.stat":               "inactive_file 7\ntotal_inactive_file 300\n",
		folder + "/memory.oom_control":        "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n",
	}
}

func v2Files(folder string, limit string) map[string]string {
	return map[string]string{
		folder + "/memory.current": "1000\n",
		folder + "/memory.peak":    "2000\n",
		folder + "/memory.max":     limit,
		folder + "/memory.stat":    "anon 1\ninactive_file 300\n",
		folder + "/memory.events":  "low 0\noom 5\noom_kill 4\n",
	}
}

func with(files map[string]string, more map[string]string) map[string]string {
	for name, text := range more {
		files[name] = text
	}
	return files
}

func TestCgroupIsFoundAndReadEverywhere(t *testing.T) {
	full := Usage{UsageBytes: 1000, InactiveFileBytes: 300, PeakBytes: 2000, LimitBytes: 512, OOMKills: 4}
	unbounded := full
	unbounded.LimitBytes = 0
	tests := []struct {
		name    string
		files   map[string]string
		version int
		want    Usage
	}{
		{"version 1 in a container", with(v1Files("sys/fs/cgroup/memory", "512\n"), map[string]string{
			"proc/self/cgroup": "4:memory:/docker/abc\n0::/\n", "proc/self/mountinfo": v1Container}), 1, full},
		{"version 1 in a container that sees the host's path", with(v1Files("sys/fs/cgroup/memory", "512\n"), map[string]string{
			"proc/self/cgroup": "4:memory:/host/docker/abc\n", "proc/self/mountinfo": v1Container}), 1, full},
		{"version 1 on the host, limit of the parent", with(v1Files("sys/fs/cgroup/memory/a/b", none), map[string]string{
			"proc/self/cgroup": "4:cpu,memory:/a/b\n", "proc/self/mountinfo": v1Mount,
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "512\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": none}), 1, full},
		{"version 1 without a limit", with(v1Files("sys/fs/cgroup/memory/a", none), map[string]string{
			"proc/self/cgroup": "4:memory:/a\n", "proc/self/mountinfo": v1Mount}), 1, unbounded},
		{"version 2 in a container with a namespace", with(v2Files("sys/fs/cgroup", "512\n"), map[string]string{
			"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2Mount}), 2, full},
		{"version 2 on the host, smallest limit counts", with(v2Files("sys/fs/cgroup/a/b", "4096\n"), map[string]string{
			"proc/self/cgroup": "0::/a/b\n", "proc/self/mountinfo": v2Mount, "sys/fs/cgroup/a/memory.max": "512\n"}), 2, full},
		{"version 2 without a limit", with(v2Files("sys/fs/cgroup/a", "max\n"), map[string]string{
			"proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": v2Mount}), 2, unbounded},
		{"both mounted, memory in version 1", with(v1Files("sys/fs/cgroup/memory/a", "512\n"), map[string]string{
			"proc/self/cgroup": "0::/\n4:memory:/a\n", "proc/self/mountinfo": hybrid}), 1, full},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := OpenCgroup(tree(tt.files))
			got, err := c.Memory()
			if err != nil || got != tt.want || c.Version() != tt.version {
				t.Errorf("version %d, %+v, %v; want version %d, %+v", c.Version(), got, err, tt.version, tt.want)
			}
		})
	}
}

func TestCgroupWithoutAPeakFileStillReads(t *testing.T) {
	files := with(v2Files("sys/fs/cgroup", "max\n"), map[string]string{"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2Mount})
	delete(files, "sys/fs/cgroup/memory.peak")
	if got, err := OpenCgroup(tree(files)).Memory(); err != nil || got.PeakBytes != 0 || got.UsageBytes != 1000 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestNoCgroupIsAnErrorNotAZero(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"nothing":               {},
		"garbage":               {"proc/self/cgroup": "::\nx\n4:memory", "proc/self/mountinfo": "- -\n\x00 - cgroup\n"},
		"a mount but no files":  {"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2Mount},
		"usage is not a number": {"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2Mount, "sys/fs/cgroup/memory.current": "lots"},
	} {
		c := OpenCgroup(tree(files))
		if _, err := c.Memory(); !errors.Is(err, ErrNoCgroup) || c.Version() != 0 {
			t.Errorf("%s: version %d, %v", name, c.Version(), err)
		}
	}
}

func TestContainerMemoryIsNeverNegative(t *testing.T) {
	if got := (Usage{UsageBytes: 1, InactiveFileBytes: 2}).Container(); got != 0 {
		t.Errorf("got %d", got)
	}
}
