package limit

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"studysharper/app/memory/shm"
)

// The test binary acts as a worker if this variable is set to a number of requests to take, or to "holds".
const roleEnv = "STUDYSHARPER_TEST_TAKES"

const inherited = 3 // the descriptor of the shared memory in such a worker

// slow regains nothing during a test.
var slow = Policy{"slow", 1000, 1000 * time.Hour}

func TestMain(m *testing.M) {
	if os.Getenv(roleEnv) == "holds" {
		os.Exit(holds())
	}
	if n, err := strconv.Atoi(os.Getenv(roleEnv)); err == nil {
		os.Exit(takes(n))
	}
	os.Exit(m.Run())
}

// share makes a section that worker processes inherit as descriptor 3.
func share(t *testing.T, size int) (*shm.Section, *os.File) {
	t.Helper()
	region, _, err := shm.Create(t.TempDir(), shm.Spec{Name: "test", Size: size})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = region.Close() })
	section, err := region.Section("test", size)
	if err != nil {
		t.Fatal(err)
	}
	return section, region.File()
}

// attach returns the section that such a process has inherited.
func attach(size int) (*shm.Section, error) {
	region, err := shm.Attach(os.NewFile(inherited, "shared memory"))
	if err != nil {
		return nil, err
	}
	return region.Section("test", size)
}

// takes takes n requests of one client, on several goroutines, prints how many were allowed, and exits abruptly.
func takes(n int) int {
	section, err := attach(TableSize)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	table := NewTable(section)
	var mu sync.Mutex
	var wg sync.WaitGroup
	got := 0
	for range 4 {
		wg.Go(func() {
			for range n / 4 {
				v, err := table.Take(context.Background(), "ann", []Policy{slow})
				mu.Lock()
				if err == nil && v.OK {
					got++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	fmt.Print(got)
	return 0
}

func worker(t *testing.T, shared *os.File, n int) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", roleEnv, n))
	cmd.ExtraFiles = []*os.File{shared}
	return cmd
}

func TestProcessesCountTogetherToTheLastRequest(t *testing.T) {
	section, shared := share(t, TableSize)
	s := &shop{t: t, Table: NewTable(section)}
	const workers = 4
	var wg sync.WaitGroup
	got := make([]string, workers)
	for i := range workers {
		cmd := worker(t, shared, 2000)
		wg.Go(func() {
			out, err := cmd.Output()
			if err != nil {
				t.Error(err)
			}
			got[i] = string(out)
		})
	}
	wg.Wait()
	total := 0
	for _, text := range got {
		n, _ := strconv.Atoi(strings.TrimSpace(text))
		total += n
	}
	if total != slow.Quota {
		t.Errorf("%v: %d of %d requests let through", got, total, slow.Quota)
	}
	if v := s.take("ann", slow); v.OK {
		t.Errorf("after they are gone: %+v", v)
	}
}

func TestAKilledProcessLetsGoOfTheTable(t *testing.T) {
	section, shared := share(t, TableSize)
	s := &shop{t: t, Table: NewTable(section)}
	for range 5 {
		cmd := worker(t, shared, 1<<30)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for s.take("ann", slow).OK { // until the process is at work, and a while longer
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if v := s.take("bob", slow); !v.OK {
			t.Errorf("afterwards: %+v", v)
		}
	}
}
