package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// workerEnv is set only in worker processes; its value identifies the worker.
const workerEnv = "STUDYSHARPER_WORKER"

// The descriptors a worker inherits.
const (
	fdListener = 3 + iota
	fdControl
	fdRelay
	fdShared
)

// sendDeadline bounds how long the supervisor waits for a worker that does not
// read its control socket.
const sendDeadline = 100 * time.Millisecond

// Launch identifies a new worker.
type Launch struct {
	Slot, Generation int
	Page             int // index of its scoreboard entry
}

// Process is a worker process.
type Process interface {
	PID() int
	// Send sends the worker a message. It blocks for at most 100 ms, or inFlightWait if the message has a connection.
	Send(Message) error
	Kill() error
	// Release frees the supervisor's resources for the process, after it has ended.
	Release()
}

// Notice is a message from a worker, or the end of its process.
type Notice struct {
	PID     int
	Message Message            // valid unless Exited
	Exited  bool               //
	Status  syscall.WaitStatus // valid when Exited
}

// Launcher starts worker processes. It reports their messages as notices.
type Launcher interface {
	Launch(Launch) (Process, error)
}

// Fork is the Launcher of real processes: it runs this binary again, as `worker`. Launch must be called on one OS
// thread that lives as long as the supervisor, because the kernel kills the workers when the thread that forked them
// ends (prctl(2), PR_SET_PDEATHSIG).
type Fork struct {
	Path     string   // the binary
	Args     []string // with the program's name; nil = [Path, "worker"]
	Env      []string
	Listener Descriptor // the listening socket
	Shared   Descriptor // the shared memory file
	Notices  chan<- Notice
	// Relay serves the worker's journal connection until it ends; it owns conn.
	Relay func(ctx context.Context, conn net.Conn)
}

// Descriptor is an open file that workers inherit.
type Descriptor struct {
	file *os.File // referenced so that its finalizer does not close the descriptor
	fd   uintptr
}

// NewDescriptor returns a file's descriptor. It must be called before the first worker starts: os.File.Fd puts the file
// into blocking mode in every process that shares it, and workers reset that only when they start.
func NewDescriptor(file *os.File) Descriptor { return Descriptor{file, file.Fd()} }

type child struct {
	pid     int
	control *control
	cancel  context.CancelFunc
}

// Launch forks a worker. It does not wait until the worker is ready.
func (f *Fork) Launch(l Launch) (Process, error) {
	controlOurs, controlTheirs, err := socketpair(unix.SOCK_SEQPACKET, "control")
	if err != nil {
		return nil, err
	}
	relayOurs, relayTheirs, err := socketpair(unix.SOCK_STREAM, "relay")
	if err != nil {
		return nil, errors.Join(err, controlOurs.Close(), controlTheirs.Close())
	}
	pid, err := f.fork(l, controlTheirs, relayTheirs)
	if err := errors.Join(err, controlTheirs.Close(), relayTheirs.Close()); err != nil {
		return nil, errors.Join(err, controlOurs.Close(), relayOurs.Close())
	}
	return f.adopt(pid, controlOurs, relayOurs)
}

func (f *Fork) fork(l Launch, controlEnd, relayEnd *os.File) (int, error) {
	args := f.Args
	if args == nil {
		args = []string{f.Path, "worker"}
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDONLY, 0)
	if err != nil {
		return 0, err
	}
	defer func() { _ = null.Close() }()
	files := []uintptr{null.Fd(), 1, 2, fdListener: f.Listener.fd, fdControl: controlEnd.Fd(), fdRelay: relayEnd.Fd(), fdShared: f.Shared.fd}
	identity := fmt.Sprintf("%s=%d.%d.%d", workerEnv, l.Slot, l.Generation, l.Page)
	pid, err := syscall.ForkExec(f.Path, args, &syscall.ProcAttr{
		Env:   append([]string{identity}, f.Env...), // the first of two equal names counts
		Files: files,
		Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true},
	})
	if err != nil {
		return 0, fmt.Errorf("start worker: %w", err)
	}
	return pid, nil
}

// adopt starts to listen to a forked worker. The supervisor's end of the control socket is closed when it has been read
// to the end, not when the process has ended, because the socket may still hold descriptors.
func (f *Fork) adopt(pid int, controlEnd, relayEnd *os.File) (Process, error) {
	ctl, errControl := newControl(controlEnd)
	relay, errRelay := net.FileConn(relayEnd)
	if err := errors.Join(errControl, errRelay, controlEnd.Close(), relayEnd.Close()); err != nil {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &child{pid: pid, control: ctl, cancel: cancel}
	go f.Relay(ctx, relay)
	go c.listen(f.Notices)
	return c, nil
}

func (c *child) listen(notices chan<- Notice) {
	defer func() { _ = c.control.close() }()
	for {
		m, err := c.control.receive()
		if err != nil {
			return
		}
		notices <- Notice{PID: c.pid, Message: m}
	}
}

func (c *child) PID() int { return c.pid }

func (c *child) Send(m Message) error {
	if err := c.control.conn.SetWriteDeadline(time.Now().Add(sendDeadline)); err != nil {
		return err
	}
	return c.control.send(m)
}

func (c *child) Kill() error { return syscall.Kill(c.pid, syscall.SIGKILL) }

func (c *child) Release() { c.cancel() }

// Reap waits for every child of this process: the workers and, because the supervisor is process 1 of a container,
// orphaned processes. It sends a notice when one ends. It blocks until ctx ends. Nothing else in the process may wait
// for children.
func Reap(ctx context.Context, signals <-chan os.Signal, notices chan<- Notice) {
	for {
		for reapOne(notices) {
		}
		select {
		case <-ctx.Done():
			return
		case <-signals:
		}
	}
}

func reapOne(notices chan<- Notice) bool {
	var status syscall.WaitStatus
	pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
	if errors.Is(err, syscall.EINTR) {
		return true
	}
	if err != nil || pid <= 0 {
		return false
	}
	notices <- Notice{PID: pid, Exited: true, Status: status}
	return true
}

func socketpair(kind int, name string) (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("%s socket pair: %w", name, err)
	}
	return os.NewFile(uintptr(fds[0]), name), os.NewFile(uintptr(fds[1]), name+strconv.Itoa(1)), nil
}
