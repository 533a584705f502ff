package cgroup2

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"studysharper/integration/harness"
)

const mib = 1 << 20

// eatVar is the environment variable that makes the test binary allocate this many MiB and exit: a process for a group
// that is too small for it.
const eatVar = "CGROUP_TEST_EAT"

func TestMain(m *testing.M) {
	if n, err := strconv.Atoi(os.Getenv(eatVar)); err == nil {
		_ = bytes.Repeat([]byte{1}, n*mib)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// group is a memory control group created by the test.
type group struct {
	harness.Cgroup
	version int
}

// newGroup creates a group with a limit. Since that needs root and a hierarchy that nothing else manages, the test is
// skipped unless it was requested explicitly.
func newGroup(t *testing.T, limit int64) *group {
	t.Helper()
	if os.Getenv("CGROUP_TESTS") == "" {
		t.Skip("make cgroup2 runs this in a virtual machine")
	}
	g := &group{version: 1}
	top, file := "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
	if harness.Exists("/sys/fs/cgroup/cgroup.controllers") {
		top, file, g.version = "/sys/fs/cgroup", "memory.max", 2
	}
	g.Cgroup = harness.OpenCgroup(filepath.Join(top, fmt.Sprintf("studysharper-%d", os.Getpid())))
	if err := os.Mkdir(g.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(g.Dir); err != nil {
			t.Error(err)
		}
	})
	g.Cgroup = harness.OpenCgroup(g.Dir)
	if err := os.WriteFile(filepath.Join(g.Dir, file), []byte(strconv.FormatInt(limit, 10)), 0o600); err != nil {
		t.Fatal(err)
	}
	return g
}

// command returns a command that starts a program in the group.
func (g *group) command(program string, args ...string) *exec.Cmd {
	return exec.Command("/bin/sh", append([]string{"-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(g.Dir, "cgroup.procs"), program}, args...)...)
}

// read returns the group's figures as the harness reads them.
func (g *group) read(t *testing.T) harness.Reading {
	t.Helper()
	r, err := g.Read()
	if err != nil {
		t.Fatal(err)
	}
	return r
}
