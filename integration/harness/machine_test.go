package harness

import (
	"cmp"
	"testing"
)

func TestTheReportKnowsWhereItWasMade(t *testing.T) {
	if err := BuildImage(imageTag, ""); err != nil {
		t.Fatal(err)
	}
	v, m := versionsNow(), machineNow()
	if m.Cores < 1 || m.Memory < MemoryLimit || m.Kernel == unknown || m.Cgroup != "v1" && m.Cgroup != "v2" {
		t.Errorf("the machine is %+v", m)
	}
	if cmp.Or(v.Go, v.Commit) == "" || v.Image == unknown || v.Docker == unknown {
		t.Errorf("the versions are %+v", v)
	}
}
