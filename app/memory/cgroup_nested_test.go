package memory

import "testing"

// A container inside a limited group (a pod, a nested engine) does not see that group's folder; version 1 reports its
// limit in the statistics.
func TestLimitOfAnUnseenAncestorCounts(t *testing.T) {
	for name, tt := range map[string]struct {
		own, hierarchical string
		want              int64
	}{
		"no own limit":              {none, "512", 512},
		"a larger own limit":        {"4096\n", "512", 512},
		"a smaller own limit":       {"256\n", "512", 256},
		"no limit at all":           {none, "9223372036854771712", 0},
		"none, with 64 KiB pages":   {"9223372036854710272\n", "9223372036854710272", 0},
		"a negative one is ignored": {none, "-1", 0},
	} {
		files := with(v1Files("sys/fs/cgroup/memory", tt.own), map[string]string{
			"proc/self/cgroup": "4:memory:/pod/abc\n", "proc/self/mountinfo": v1Container,
			"sys/fs/cgroup/memory/memory.stat": "hierarchical_memory_limit " + tt.hierarchical + "\ntotal_inactive_file 300\n"})
		if m, err := OpenCgroup(tree(files)).Memory(); err != nil || m.LimitBytes != tt.want || m.InactiveFileBytes != 300 {
			t.Errorf("%s: %+v, %v; want a limit of %d", name, m, err, tt.want)
		}
	}
}

// Whatever the kernel's files contain, reading them ends and returns no negative figure.
func FuzzCgroup(f *testing.F) {
	f.Add("4:memory:/a/b\n", v1Mount, "1000\n", "hierarchical_memory_limit 512\n")
	f.Add("0::/../../x\n", v2Mount, "max\n", "inactive_file 300\n")
	f.Add("0::\n", "1 1 0:1 / / rw - cgroup2 x rw\n", "-5", "inactive_file -5")
	f.Add("4:memory:/docker/abc\n0::/\n", v1Container+hybrid, "9223372036854775808", "")
	f.Fuzz(func(t *testing.T, memberships, mounts, number, stat string) {
		files := map[string]string{"proc/self/cgroup": memberships, "proc/self/mountinfo": mounts}
		for _, folder := range []string{"", "sys/fs/cgroup/", "sys/fs/cgroup/memory/", "sys/fs/cgroup/memory/a/b/"} {
			for _, file := range []string{"memory.usage_in_bytes", "memory.limit_in_bytes", "memory.current", "memory.max"} {
				files[folder+file] = number
			}
			files[folder+"memory.stat"] = stat
		}
		c := OpenCgroup(tree(files))
		m, err := c.Memory()
		if (err == nil) != (c.Version() != 0) {
			t.Fatalf("version %d, %v", c.Version(), err)
		}
		if m.UsageBytes < 0 || m.InactiveFileBytes < 0 || m.LimitBytes < 0 || m.Container() < 0 {
			t.Fatalf("%+v", m)
		}
	})
}
