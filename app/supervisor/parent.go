package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"

	"studysharper/app/memory/shm"
	"studysharper/app/metrics"
)

// ErrByHand is the error of a worker that the supervisor did not start.
var ErrByHand = errors.New("'worker' is internal; run `studysharper serve`")

// Parent is a worker's view of its supervisor, and of what it inherited from it.
type Parent struct {
	Launch
	Listener *net.TCPListener
	Relay    net.Conn // connection to the journals
	Shared   *shm.Region
	Board    *metrics.Board
	control  *control
}

// OpenParent opens what this process inherited from the supervisor. It returns ErrByHand if the supervisor did not
// start the process. It must be called once, early: it owns descriptors 3 to 6.
func OpenParent() (*Parent, error) {
	p := &Parent{}
	n, err := fmt.Sscanf(os.Getenv(workerEnv), "%d.%d.%d", &p.Slot, &p.Generation, &p.Page)
	if err != nil || n != 3 || p.Page < 1 || p.Page > metrics.MaxWorkers {
		return nil, ErrByHand
	}
	listener, control, relay := os.NewFile(fdListener, "listener"), os.NewFile(fdControl, "control"), os.NewFile(fdRelay, "relay")
	if p.control, err = newControl(control); err != nil {
		return nil, ErrByHand
	}
	if p.Listener, err = tcpListener(listener); err != nil {
		return nil, err
	}
	if p.Relay, err = net.FileConn(relay); err != nil {
		return nil, fmt.Errorf("inherited relay: %w", err)
	}
	if p.Shared, err = shm.Attach(os.NewFile(fdShared, "shared memory")); err != nil {
		return nil, err
	}
	board, err := p.Shared.Section(metrics.BoardSection, metrics.BoardSize)
	if err != nil {
		return nil, err
	}
	p.Board = metrics.NewBoard(board)
	return p, errors.Join(listener.Close(), control.Close(), relay.Close())
}

func tcpListener(file *os.File) (*net.TCPListener, error) {
	listener, err := net.FileListener(file)
	if err != nil {
		return nil, fmt.Errorf("inherited listener: %w", err)
	}
	tcp, ok := listener.(*net.TCPListener)
	if !ok {
		return nil, errors.Join(errors.New("inherited listener: not a TCP socket"), listener.Close())
	}
	return tcp, nil
}

// Own returns this worker's scoreboard entry.
func (p *Parent) Own() *metrics.Entry { return p.Board.Worker(p.Page) }

// Ready tells the supervisor that this worker accepts requests from now on.
func (p *Parent) Ready() error {
	p.Own().Set(metrics.StateOf, int64(metrics.Ready))
	return p.control.send(Message{Kind: KindReady})
}

// ClearCaches asks the supervisor to make every worker remove the cache keys that contain pattern.
func (p *Parent) ClearCaches(pattern string) error {
	return p.control.send(Message{Kind: KindClear, Pattern: pattern})
}

// CancelRun asks the supervisor to broadcast the cancellation to the workers. The one that executes the run cancels it.
func (p *Parent) CancelRun(run string) error {
	return p.control.send(Message{Kind: KindCancel, Run: run})
}

// QuotaReached tells the supervisor that this worker has answered its quota of requests.
func (p *Parent) QuotaReached() error { return p.control.send(Message{Kind: KindQuotaReached}) }

// Reload asks the supervisor to replace all workers.
func (p *Parent) Reload() error { return p.control.send(Message{Kind: KindReload}) }

// HandOver passes a client's connection, by its descriptor, to this worker's successor. stream is what the successor
// needs to continue an event stream; nil for other connections. If it returns nil, the caller closes its descriptor;
// the connection stays open in the successor, and the kernel retains what is in the socket's buffers.
func (p *Parent) HandOver(fd int, stream json.RawMessage) error {
	return p.control.send(Message{Kind: KindConn, Slot: p.Slot, Stream: stream, Conn: fd})
}

// Listen passes each message from the supervisor to handle. It returns nil when ctx ends, and an error when the
// supervisor is gone: a worker must not outlive it.
func (p *Parent) Listen(ctx context.Context, handle func(Message)) error {
	stop := context.AfterFunc(ctx, func() { _ = p.control.close() })
	defer stop()
	for {
		m, err := p.control.receive()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the supervisor is gone: %w", err)
		}
		handle(m)
	}
}
