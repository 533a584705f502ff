package supervisor

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/memory/shm"
	"studysharper/app/metrics"
)

// fakes is a Launcher of processes that do what a script says.
type fakes struct {
	mu       sync.Mutex // guards the script, what was launched, and the processes' own fields
	board    *metrics.Board
	notices  chan Notice
	pids     int
	launched []Launch
	live     map[int]*fake
	script   func(*fake) // what a new process does when it starts
	refuse   error
}

type fake struct {
	all      *fakes
	pid      int
	page     int
	messages []Message
	deaf     error // refuses messages
	hangs    bool  // accepts messages and ignores them
}

func (f *fakes) Launch(l Launch) (Process, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.launched = append(f.launched, l)
	if f.refuse != nil {
		return nil, f.refuse
	}
	f.pids++
	p := &fake{all: f, pid: f.pids, page: l.Page}
	f.live[p.pid] = p
	f.script(p)
	return p, nil
}

func (p *fake) ready() {
	p.all.board.Worker(p.page).Set(metrics.StateOf, int64(metrics.Ready))
	p.all.notices <- Notice{PID: p.pid, Message: Message{Kind: KindReady}}
}

func (p *fake) exit(status syscall.WaitStatus) {
	p.all.mu.Lock()
	delete(p.all.live, p.pid)
	p.all.mu.Unlock()
	p.all.notices <- Notice{PID: p.pid, Exited: true, Status: status}
}

func (p *fake) PID() int { return p.pid }
func (p *fake) Release() {}
func (p *fake) Kill() error {
	p.exit(syscall.WaitStatus(syscall.SIGKILL))
	return nil
}

func (p *fake) Send(m Message) error {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	if p.deaf != nil {
		return p.deaf
	}
	p.messages = append(p.messages, m)
	if m.Kind == KindDrain && !p.hangs {
		go p.exit(0)
	}
	return nil
}

// house is a supervisor with fake workers, inside a synctest bubble.
type house struct {
	*fakes
	signals chan os.Signal
	log     bytes.Buffer
	silence atomic.Int64
	done    chan error
	deaths  atomic.Int64
	cancel  context.CancelFunc
}

func open(t *testing.T, workers int, script func(*fake)) *house {
	t.Helper()
	return openWith(t, workers, &fakes{script: script})
}

func openWith(t *testing.T, workers int, f *fakes, change ...func(*Options)) *house {
	t.Helper()
	board := metrics.NewBoard(shm.Local(metrics.BoardSize))
	h := &house{signals: make(chan os.Signal, 4), done: make(chan error, 1)}
	f.board, f.notices, f.live = board, make(chan Notice, 64), map[int]*fake{}
	h.fakes = f
	ctx, cancel := context.WithCancel(t.Context())
	h.cancel = cancel
	o := Options{Workers: workers, MaxWorkers: workers + 1, MaxRequests: 1000, Limits: DefaultLimits(), Board: board, Launcher: h.fakes, Notices: h.notices,
		Signals: h.signals, Log: slog.New(slog.NewTextHandler(&h.log, nil)),
		Silence: func(*metrics.Entry) time.Duration { return time.Duration(h.silence.Load()) },
		Died:    func() { h.deaths.Add(1) }}
	o.Limits.MinAge = 0 // only the number of requests counts, unless a test changes this
	for _, c := range change {
		c(&o)
	}
	s := New(o)
	go func() { h.done <- s.Run(ctx) }()
	synctest.Wait()
	return h
}

// then changes the script of new processes.
func (h *house) then(script func(*fake)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.script = script
}

// process returns a live process; nil if no process has that pid.
func (h *house) process(pid int) *fake {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.live[pid]
}

// each calls do for all live processes.
func (h *house) each(do func(*fake)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.live {
		do(p)
	}
}

// stop ends the supervisor and returns the result of Run.
func (h *house) stop() error {
	h.cancel()
	return <-h.done
}

func TestEverySlotGetsAWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, 3, (*fake).ready)
		if len(h.live) != 3 {
			t.Errorf("got %d workers, want 3", len(h.live))
		}
		if err := h.stop(); err != nil || len(h.live) != 0 {
			t.Errorf("after the stop: %v, %d workers alive", err, len(h.live))
		}
		for _, want := range []string{"Booting worker with pid: 1", "Worker exiting (pid: 1)", "Shutting down: master"} {
			if !strings.Contains(h.log.String(), want) {
				t.Errorf("the log does not say %q", want)
			}
		}
	})
}

func TestADeadWorkerIsReplacedAtOnceAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, 1, (*fake).ready)
		began := time.Now()
		h.process(1).exit(syscall.WaitStatus(syscall.SIGKILL))
		synctest.Wait()
		if h.process(2) == nil || time.Since(began) > 0 {
			t.Errorf("after %v: %d workers", time.Since(began), len(h.live))
		}
		if last := h.launched[len(h.launched)-1]; last.Generation != 2 || last.Slot != 0 {
			t.Errorf("got %+v", last)
		}
		if got := h.board.Snapshot().Total(metrics.RecycledCrash); got != 1 {
			t.Errorf("got %d crashes counted", got)
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestOnlyAWorkerThatDidNotLeaveByItselfHasDied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, 1, (*fake).ready)
		for i, status := range []syscall.WaitStatus{syscall.WaitStatus(syscall.SIGKILL), 1 << 8, 0} {
			h.process(i + 1).exit(status)
			time.Sleep(time.Minute) // for the successor
			if got, want := h.deaths.Load(), int64(min(i+1, 2)); got != want {
				t.Errorf("after status %#x: %d deaths, want %d", status, got, want)
			}
		}
		h.signals <- syscall.SIGHUP
		time.Sleep(time.Minute)
		if err := h.stop(); err != nil || h.deaths.Load() != 2 {
			t.Errorf("%v, %d deaths", err, h.deaths.Load())
		}
	})
}

func TestACrashLoopBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boots := 0
		h := open(t, 1, func(p *fake) {
			boots++
			p.ready()
			go p.exit(1 << 8)
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		// 100 ms doubling to 10 s: 0, .1, .3, .7, 1.5, 3.1, 6.3, 12.7, 22.7, 32.7, 42.7, 52.7 s, and the first.
		if boots < 11 || boots > 13 {
			t.Errorf("got %d boots in a minute", boots)
		}
		h.then((*fake).ready)
		time.Sleep(10 * time.Second)
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestWorkersThatNeverBootStopTheSupervisor(t *testing.T) {
	tests := map[string]struct {
		script func(*fake)
		refuse error
		most   int
	}{
		"they crash":                {func(p *fake) { go p.exit(2 << 8) }, nil, bootCrashes},
		"one knows that it is vain": {func(p *fake) { go p.exit(ExitBoot << 8) }, nil, 1},
		"they cannot be forked":     {nil, errors.New("no more processes"), bootCrashes},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := openWith(t, 1, &fakes{script: tt.script, refuse: tt.refuse})
				if err := <-h.done; !errors.Is(err, ErrBoot) {
					t.Errorf("got %v, want ErrBoot", err)
				}
				if len(h.launched) > tt.most {
					t.Errorf("%d tries, want at most %d", len(h.launched), tt.most)
				}
			})
		})
	}
}

func TestASilentWorkerIsKilledAndReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, 1, (*fake).ready)
		h.then(func(p *fake) { h.silence.Store(0); p.ready() })
		h.silence.Store(int64(DefaultLimits().Silence))
		time.Sleep(DefaultLimits().WorkerTimeout)
		synctest.Wait()
		if h.process(1) != nil || h.process(2) == nil {
			t.Errorf("alive: %v", h.live)
		}
		if !strings.Contains(h.log.String(), "Worker timeout (pid: 1)") || h.board.Snapshot().Total(metrics.RecycledTimeout) != 1 {
			t.Errorf("not told: %s", h.log.String())
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAStopWaitsThenKills(t *testing.T) {
	tests := []struct {
		name    string
		signals []os.Signal
		want    time.Duration
	}{
		{"TERM waits for work in flight", []os.Signal{syscall.SIGTERM}, 30 * time.Second},
		{"a second TERM does not", []os.Signal{syscall.SIGTERM, syscall.SIGTERM}, 0},
		{"INT after TERM does not", []os.Signal{syscall.SIGTERM, syscall.SIGINT}, 0},
		{"QUIT does not", []os.Signal{syscall.SIGQUIT}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, 2, (*fake).ready)
				h.each(func(p *fake) { p.hangs = true })
				began := time.Now()
				for _, sig := range tt.signals {
					h.signals <- sig
					synctest.Wait()
				}
				if err := <-h.done; err != nil || time.Since(began) != tt.want {
					t.Errorf("got %v after %v, want %v", err, time.Since(began), tt.want)
				}
			})
		})
	}
}

func TestAWorkerThatDoesNotListenIsKilledAtTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, 1, (*fake).ready)
		h.each(func(p *fake) { p.deaf = errors.New("full") })
		began := time.Now()
		if err := h.stop(); err != nil || time.Since(began) > 0 {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
	})
}

func TestClearReachesEveryWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, 2, (*fake).ready)
		h.notices <- Notice{PID: 1, Message: Message{Kind: KindClear, Pattern: "quiz"}}
		synctest.Wait()
		h.each(func(p *fake) {
			if len(p.messages) != 1 || p.messages[0].Pattern != "quiz" {
				t.Errorf("worker %d got %+v", p.pid, p.messages)
			}
		})
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestOnlyAWorkerThatIsStillThereIsWarnedOfWhenItTakesNoMessage(t *testing.T) {
	for _, tt := range []struct {
		err  error
		line string
	}{
		{&net.OpError{Op: "set", Net: "unixpacket", Err: net.ErrClosed}, ""},
		{&net.OpError{Op: "write", Net: "unixpacket", Err: os.NewSyscallError("sendmsg", syscall.EPIPE)}, ""},
		{&net.OpError{Op: "write", Net: "unixpacket", Err: os.NewSyscallError("sendmsg", syscall.ECONNRESET)}, ""},
		{&net.OpError{Op: "write", Net: "unixpacket", Err: os.ErrDeadlineExceeded}, "control socket write failed"},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := open(t, 2, (*fake).ready)
			h.each(func(p *fake) { p.deaf = tt.err })
			h.notices <- Notice{PID: 1, Message: Message{Kind: KindClear, Pattern: "quiz"}}
			synctest.Wait()
			if lines := strings.Count(h.log.String(), "level=WARN"); (lines == 2) != (tt.line != "") || !strings.Contains(h.log.String(), tt.line) {
				t.Errorf("%v: %s", tt.err, h.log.String())
			}
			if err := h.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestStallsAreLoggedOnceAMinuteAndEachIsCounted(t *testing.T) {
	var log bytes.Buffer
	s := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	began := time.Unix(0, 0)
	now := began
	s.onSuspended(now)
	for range 30 { // in twelve minutes, with looks between them
		now = now.Add(longBreak + time.Millisecond)
		s.onSuspended(now)
		for range 22 {
			now = now.Add(lookEvery)
			s.onSuspended(now)
		}
	}
	now = now.Add(longBreak) // not longer
	s.onSuspended(now)
	for range stallsEvery / lookEvery {
		now = now.Add(lookEvery)
		s.onSuspended(now)
	}
	lines := strings.Count(log.String(), "supervisor was stalled")
	if most := int(now.Sub(began)/stallsEvery) + 1; lines > most || lines < 2 {
		t.Errorf("%d lines in %v", lines, now.Sub(began))
	}
	told := 0
	for _, found := range regexp.MustCompile(`times=(\d+) longest=2\.001s`).FindAllStringSubmatch(log.String(), -1) {
		n, err := strconv.Atoi(found[1])
		if err != nil {
			t.Fatal(err)
		}
		told += n
	}
	if told != 30 {
		t.Errorf("%d of 30 stalls are told:\n%s", told, &log)
	}
	if first, _, _ := strings.Cut(log.String(), "\n"); !strings.Contains(first, "times=1 ") {
		t.Errorf("the first waits for others: %s", first)
	}
}

func TestClearReachesTheOthersWhenItsSenderIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, 2, (*fake).ready)
		h.process(1).exit(0)
		h.notices <- Notice{PID: 1, Message: Message{Kind: KindClear, Pattern: "quiz"}}
		synctest.Wait()
		if got := h.process(2).messages; len(got) != 1 || got[0].Pattern != "quiz" {
			t.Errorf("the other got %+v", got)
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestOrphansAndStrangersChangeNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, 1, (*fake).ready)
		h.notices <- Notice{PID: 4711, Exited: true}
		h.notices <- Notice{PID: 1, Message: Message{Kind: "from the future"}}
		h.signals <- syscall.SIGUSR1
		synctest.Wait()
		if len(h.launched) != 1 || !strings.Contains(h.log.String(), "scoreboard") {
			t.Errorf("launched %d; log %s", len(h.launched), h.log.String())
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}
