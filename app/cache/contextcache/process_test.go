package contextcache

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"studysharper/app/memory/shm"
)

// The test binary acts as a worker if this variable is set; its value is the number of changes to make.
const roleEnv = "STUDYSHARPER_TEST_CHANGES"

const inherited = 3 // the descriptor of the shared memory in such a worker

func TestMain(m *testing.M) {
	if n, err := strconv.Atoi(os.Getenv(roleEnv)); err == nil {
		os.Exit(changes(n))
	}
	os.Exit(m.Run())
}

// changes makes n changes on several goroutines and dies in the middle of another.
func changes(n int) int {
	region, err := shm.Attach(os.NewFile(inherited, "shared memory"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	section, err := region.Section("test", VersionsSize)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	table := NewVersions(section)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range n / 4 {
				table.Bump("ann", "notes")()
			}
		})
	}
	wg.Wait()
	table.Bump("ann", "notes")
	return 0
}

func TestNoChangeOfAnyProcessIsLost(t *testing.T) {
	const workers, each = 4, 2000
	region, _, err := shm.Create(t.TempDir(), shm.Spec{Name: "test", Size: VersionsSize})
	if err != nil {
		t.Fatal(err)
	}
	defer region.Close()
	section, err := region.Section("test", VersionsSize)
	if err != nil {
		t.Fatal(err)
	}
	table := NewVersions(section)
	var wg sync.WaitGroup
	for range workers {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", roleEnv, each))
		cmd.ExtraFiles = []*os.File{region.File()}
		wg.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	if got := number(t, table, "ann", "notes"); got != workers*(2*each+1) {
		t.Errorf("the number is %d after %d changes and %d broken off", got, workers*each, workers)
	}
	before := number(t, table, "ann", "notes")
	table.Bump("ann", "notes")()
	if number(t, table, "ann", "notes") == before {
		t.Error("what died in the middle of a change holds up the next")
	}
}
