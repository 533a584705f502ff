package httpapi

import (
	"testing"
	"testing/fstest"

	"studysharper/app/memory"
)

func cgroupOfLimit(limit string) memory.Cgroup {
	tree := fstest.MapFS{}
	for name, text := range map[string]string{"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": "33 25 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
		"sys/fs/cgroup/memory.current": "1674000000\n", "sys/fs/cgroup/memory.max": limit + "\n"} {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return memory.OpenCgroup(tree)
}

func TestAMemoryLimitIsReportedOnlyWhereThereIsOne(t *testing.T) {
	tests := map[string]struct {
		cgroup  memory.Cgroup
		json    any
		exposed float64
	}{
		"a limit":   {cgroupOfLimit("536870912"), 536870912.0, 536870912},
		"none":      {cgroupOfLimit("max"), nil, 0},
		"no cgroup": {memory.Cgroup{}, nil, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := serve(t, func(o *Options) { o.Cgroup = tt.cgroup })
			memory := f.ask("GET", "/api/admin/metrics", "", "X-Admin-Token", token).object(t)["memory"].(map[string]any)
			if limit, told := memory["limit_bytes"]; !told || limit != tt.json {
				t.Errorf("limit_bytes is %v, want %v", limit, tt.json)
			}
			if limit, told := f.scrape()["studysharper_container_memory_limit_bytes"]; !told || limit != tt.exposed {
				t.Errorf("the gauge is %v, want %v", limit, tt.exposed)
			}
		})
	}
}
