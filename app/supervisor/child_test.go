package supervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"studysharper/app/memory/shm"
	"studysharper/app/metrics"
)

// The test binary is also the workers' and the supervisor's: TestMain reads its role from this variable.
const roleEnv = "STUDYSHARPER_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "worker":
		os.Exit(testWorker())
	case "supervisor":
		os.Exit(testSupervisor())
	default:
		os.Exit(m.Run())
	}
}

// testWorker answers each connection with its pid, and stops when told to.
func testWorker() int {
	parent, err := OpenParent()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	go func() {
		for {
			conn, err := parent.Listener.Accept()
			if err != nil {
				return
			}
			parent.Own().Add(metrics.Requests, 1)
			_, _ = io.WriteString(conn, strconv.Itoa(os.Getpid()))
			_ = conn.Close()
		}
	}()
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	if err := parent.Ready(); err != nil {
		return 2
	}
	err = parent.Listen(ctx, func(m Message) {
		if m.Kind == KindDrain {
			leave()
		}
	})
	if err != nil {
		return 1
	}
	return 0
}

// testSupervisor runs two workers on a socket whose address it prints.
func testSupervisor() int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1
	}
	fmt.Println(listener.Addr())
	if err := superviseOn(listener.(*net.TCPListener), signalsOf(syscall.SIGTERM), os.TempDir(), io.Discard); err != nil {
		return 1
	}
	return 0
}

func signalsOf(which ...os.Signal) <-chan os.Signal {
	ch := make(chan os.Signal, 4)
	signal.Notify(ch, which...)
	return ch
}

// superviseOn runs a supervisor of two real workers until a signal ends it.
func superviseOn(listener *net.TCPListener, signals <-chan os.Signal, dir string, log io.Writer) error {
	shared, _, err := shm.Create(dir, shm.Spec{Name: metrics.BoardSection, Size: metrics.BoardSize})
	if err != nil {
		return err
	}
	defer func() { _ = shared.Close() }()
	section, err := shared.Section(metrics.BoardSection, metrics.BoardSize)
	if err != nil {
		return err
	}
	socket, err := listener.File()
	if err != nil {
		return err
	}
	defer func() { _ = socket.Close() }()
	notices := make(chan Notice, 16)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	defer signal.Stop(children)
	go Reap(ctx, children, notices)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return New(Options{Workers: 2, Limits: DefaultLimits(), Board: metrics.NewBoard(section), Notices: notices, Signals: signals,
		Log: slog.New(slog.NewTextHandler(log, nil)),
		Launcher: &Fork{Path: os.Args[0], Args: []string{os.Args[0]}, Env: append([]string{roleEnv + "=worker"}, os.Environ()...),
			Listener: NewDescriptor(socket), Shared: NewDescriptor(shared.File()), Notices: notices,
			Relay: func(_ context.Context, conn net.Conn) { _, _ = io.Copy(io.Discard, conn); _ = conn.Close() }},
	}).Run(ctx)
}

// ask returns the pid of the worker that answers at an address.
func ask(address string) (int, error) {
	conn, err := net.DialTimeout("tcp", address, time.Minute)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return 0, err
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(answer))
}

// eventually waits until other processes make the condition true.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if condition() {
			return
		}
		runtime.Gosched()
	}
	t.Fatalf("never: %s", what)
}

// running is a supervisor in this process, with real workers.
type running struct {
	address string
	signals chan os.Signal
	done    chan error
	log     *syncBuffer
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func start(t *testing.T) *running {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &running{address: listener.Addr().String(), signals: make(chan os.Signal, 4), done: make(chan error, 1), log: &syncBuffer{}}
	dir := t.TempDir()
	go func() { r.done <- superviseOn(listener.(*net.TCPListener), r.signals, dir, r.log) }()
	t.Cleanup(func() {
		r.signals <- syscall.SIGTERM
		if err := <-r.done; err != nil {
			t.Errorf("stop: %v\n%s", err, r.log)
		}
		_ = listener.Close()
	})
	eventually(t, "both workers are ready", func() bool { return strings.Count(r.log.String(), "Worker ready") == 2 })
	return r
}

func TestRealWorkersShareTheSocketAndDeadOnesAreReplaced(t *testing.T) {
	r := start(t)
	for kills := range 5 {
		pid, err := ask(r.address)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the successor is ready", func() bool {
			return strings.Count(r.log.String(), "Worker ready") == 3+kills
		})
	}
	for range 50 {
		if _, err := ask(r.address); err != nil {
			t.Errorf("after the kills: %v\n%s", err, r.log)
		}
	}
}

func TestAWorkerStartedByHandRefuses(t *testing.T) {
	t.Setenv(workerEnv, "")
	if _, err := OpenParent(); !errors.Is(err, ErrByHand) {
		t.Errorf("got %v, want ErrByHand", err)
	}
	t.Setenv(workerEnv, "0.1.65")
	if _, err := OpenParent(); !errors.Is(err, ErrByHand) {
		t.Errorf("an invalid page: got %v", err)
	}
}

func TestNoWorkerSurvivesItsSupervisor(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	process, err := os.StartProcess(os.Args[0], os.Args[:1], &os.ProcAttr{
		Env: append([]string{roleEnv + "=supervisor"}, os.Environ()...), Files: []*os.File{nil, write, os.Stderr}})
	if err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	line := make([]byte, 64)
	n, err := read.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimSpace(string(line[:n]))
	workers := map[int]bool{}
	eventually(t, "a worker answers", func() bool {
		pid, err := ask(address)
		workers[pid] = err == nil
		return err == nil
	})
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = process.Wait()
	eventually(t, "the port is free again", func() bool {
		listener, err := net.Listen("tcp", address)
		if err == nil {
			_ = listener.Close()
		}
		return err == nil
	})
	for pid, alive := range workers {
		eventually(t, "the worker is gone", func() bool {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			return !alive || err != nil || bytes.Contains(stat, []byte(") Z"))
		})
	}
}

func TestParseMessageTakesGarbageForNothing(t *testing.T) {
	for _, packet := range []string{"", "{", "null", `{"v":2,"kind":"drain"}`, `{"kind":"drain"}`, "\x00\xff"} {
		if m := parseMessage([]byte(packet)); m.Kind != "" {
			t.Errorf("%q: got %+v", packet, m)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add([]byte(`{"v":1,"kind":"drain","ms":5}`))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if m := parseMessage(packet); m.Kind != "" && m.Version != protocolVersion {
			t.Errorf("%q: got %+v", packet, m)
		}
	})
}
