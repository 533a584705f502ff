package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"studysharper/app/study"
	"studysharper/app/testkit"
)

// queuesAt returns n queues on the same file, each like one of another process.
func queuesAt(t *testing.T, n int) []*writeQueue {
	t.Helper()
	path := filepath.Join(t.TempDir(), "queue")
	queues := make([]*writeQueue, n)
	for i := range queues {
		queues[i] = &writeQueue{path: path, stuckAfter: time.Hour}
		t.Cleanup(queues[i].close)
	}
	return queues
}

// untilLast waits until the given number of places are taken, as seen by another process.
func untilLast(t *testing.T, q *writeQueue, places int64) {
	t.Helper()
	testkit.Eventually(t, "enough places are taken", func() bool {
		last, ok := q.last()
		return !ok || last >= places
	})
}

func TestTurnsComeInTheOrderInWhichTheyWereAskedFor(t *testing.T) {
	queues := queuesAt(t, 7)
	observer, queues := queues[6], queues[:6]
	var mu sync.Mutex
	var order []int
	var all sync.WaitGroup
	turn := func(i int) {
		leave := queues[i].enter(t.Context())
		mu.Lock()
		order = append(order, i)
		mu.Unlock()
		leave()
	}
	if leave := observer.enter(t.Context()); observer.file == nil {
		t.Fatal("there is no queue")
	} else {
		leave()
	}
	leave := queues[0].enter(t.Context())
	for i := 1; i < len(queues); i++ {
		all.Go(func() { turn(i) })
		untilLast(t, observer, int64(i)+1)
	}
	leave()
	turn(0) // the process that has just written is the last in the queue
	all.Wait()
	if !slices.Equal(order, []int{1, 2, 3, 4, 5, 0}) {
		t.Errorf("turns came in the order %v", order)
	}
}

// inQueue starts a process that takes the first place of a queue and keeps it.
func inQueue(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childVar+"="+path, childVar+"_QUEUES=1")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "entered\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	return c
}

// enterAndStay is what the process of inQueue runs.
func enterAndStay(path string) {
	q := &writeQueue{path: path, stuckAfter: time.Hour}
	q.enter(context.Background())
	fmt.Println("entered")
	select {}
}

func TestTheKernelFreesThePlaceOfAProcessThatIsKilled(t *testing.T) {
	queues := queuesAt(t, 2)
	other := inQueue(t, queues[0].path)
	entered := make(chan struct{})
	go func() { queues[0].enter(t.Context()); close(entered) }()
	queues[1].enter(ended(t))() // opens the file
	untilLast(t, queues[1], 2)
	select {
	case <-entered:
		t.Fatal("two processes have their turn at once")
	default:
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-entered
	if queues[0].passed != 0 {
		t.Error("it passed the place of a process that is gone")
	}
}

func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestAStoppedProcessIsPassedUntilItLeaves(t *testing.T) {
	q := queuesAt(t, 1)[0]
	q.stuckAfter = time.Millisecond
	other := inQueue(t, q.path)
	if err := other.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	q.enter(t.Context())()
	if q.passed != 1 {
		t.Fatalf("passed %d, want the place of the stopped process, 1", q.passed)
	}
	q.stuckAfter = time.Hour
	q.enter(t.Context())() // does not wait for it a second time
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait()
	if q.enter(t.Context())(); q.passed != 0 {
		t.Errorf("still passes place %d, which is free", q.passed)
	}
}

// TestAWriteIsOvertakenByNoMoreThanWasBegun makes one process write without a pause, in
// transactions too short to count as stuck, while another writes once in between.
func TestAWriteIsOvertakenByNoMoreThanWasBegun(t *testing.T) {
	busy := openFresh(t, Options{BusyTimeout: time.Minute})
	other := reopen(t, "sqlite:"+busy.path, Options{BusyTimeout: time.Minute})
	const most = 100
	var made, asked, got atomic.Int64
	made.Store(-1)
	hold := func(context.Context, tx) error {
		testkit.Pause(10 * time.Millisecond) // while it has the lock; the duration does not matter
		made.Add(1)
		return nil
	}
	var all sync.WaitGroup
	for range 2 { // there is always one waiting
		all.Go(func() {
			for got.Load() == 0 && made.Load() < most {
				if err := busy.change(t.Context(), hold); err != nil {
					t.Error(err)
				}
			}
		})
	}
	testkit.Eventually(t, "some changes are made", func() bool { return made.Load() >= 3 })
	asked.Store(made.Load())
	if err := other.change(t.Context(), func(context.Context, tx) error { got.Store(made.Load()); return nil }); err != nil {
		t.Error(err)
	}
	all.Wait()
	if n := got.Load() - asked.Load(); n > most/5 { // two, plus those made while this goroutine did not run
		t.Errorf("%d changes were made before it, of those that were asked for later too", n)
	}
}

func TestAQueueThatCannotBeMadeIsDoneWithout(t *testing.T) {
	s := openFresh(t, Options{})
	if err := os.Mkdir(s.queue.path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := note(t.Context(), s); err != nil || s.queue.file != nil {
		t.Errorf("a write without a queue: %v", err)
	}
}

// fairShare is how many times as much as another a process may write, if all write as fast as
// they can; fairSum is how much they write together.
const (
	fairShare     = 4
	fairSum       = 300
	fairProcesses = 4
)

// TestProcessesHaveTheirShareOfAStarvedMachine makes processes write in competition with
// each other and with processes that use all CPU time.
func TestProcessesHaveTheirShareOfAStarvedMachine(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "x.db")
	if err := Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	stop := burn(t, 4)
	defer stop()
	var mu sync.Mutex
	written, sum, enough := make([]int, fairProcesses), 0, make(chan struct{})
	for i := range fairProcesses {
		_, out := writer(t, url, 1<<30, 2_000)
		go func() {
			for out.Scan() {
				if !strings.HasPrefix(out.Text(), "note ") {
					continue
				}
				mu.Lock()
				written[i]++
				if sum++; sum == fairSum {
					close(enough)
				}
				mu.Unlock()
			}
			mu.Lock()
			defer mu.Unlock()
			if sum < fairSum {
				t.Errorf("a write of process %d failed", i)
				sum = fairSum
				close(enough)
			}
		}()
	}
	<-enough
	mu.Lock()
	defer mu.Unlock()
	t.Logf("written: %v", written)
	if slices.Max(written) > fairShare*slices.Min(written) {
		t.Errorf("written by each process: %v", written)
	}
}

// burn uses CPU time in the given number of threads until stop is called.
func burn(t *testing.T, threads int) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range threads {
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				_ = strconv.Itoa(n)
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

func TestAWriterIsNotHeldUpByAProcessThatIsStoppedInTheQueue(t *testing.T) {
	s := openFresh(t, Options{})
	other := inQueue(t, s.queue.path)
	if err := other.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := s.CreateNote(t.Context(), study.Note{UserID: "ada"}); err != nil {
			t.Fatal(err)
		}
	}
}
