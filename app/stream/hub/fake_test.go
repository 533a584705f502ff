package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"studysharper/app/stream"
	"studysharper/app/stream/eventstream"
	"studysharper/app/stream/memory"
	"studysharper/app/study"
)

// socket is one client's fake socket. The test may read it while its bubble is idle.
type socket struct {
	writes []string
	at     []time.Duration
	room   int // bytes it still accepts; negative: any number
	gone   bool
	closed bool
	ended  time.Duration // when it was closed
}

// fake implements sockets for tests to inspect.
type fake struct {
	start time.Time
	mu    sync.Mutex // guards closed and ended, which timers of the hub may write
	all   map[int]*socket
}

func (f *fake) add(fd int, _ int32) error {
	if f.all[fd] == nil {
		return os.ErrInvalid
	}
	return nil
}

func (f *fake) write(fd int, p []byte) (int, error) {
	s := f.all[fd]
	if s.gone {
		return 0, io.ErrClosedPipe
	}
	n := len(p)
	if s.room >= 0 {
		n = min(n, s.room)
		s.room -= n
	}
	if n > 0 {
		s.writes, s.at = append(s.writes, string(p[:n])), append(s.at, time.Since(f.start))
	}
	return n, nil
}

func (f *fake) drain(int) (int, error)                { return 0, nil }
func (f *fake) forget(int)                            {}
func (f *fake) run(ctx context.Context, _ *Hub) error { <-ctx.Done(); return nil }

func (f *fake) close(fd int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all[fd].closed, f.all[fd].ended = true, time.Since(f.start)
}

func (f *fake) isClosed(k *socket) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return k.closed
}

func (f *fake) reopen(k *socket) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k.closed = false
}

// scene is a hub with a journal and fake sockets, in a bubble of fake time. Epoch 35 ("z"
// in ids) is the life of its first session.
type scene struct {
	*testing.T
	hub     *Hub
	journal *memory.Journal
	sockets *fake
	session string
	run     string // the latest one
	counted int64
}

func play(t *testing.T, o Options, f func(s *scene)) {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
	synctest.Test(t, func(t *testing.T) {
		s := &scene{T: t, session: uuid.NewString(), sockets: &fake{start: time.Now(), all: map[int]*socket{}},
			journal: memory.New(memory.Options{Epoch: 35, MaxEvents: 20})}
		o.Journal = s.journal
		o.Count = func(n int64) { s.counted += n }
		s.hub = newHub(o, s.sockets)
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- s.hub.Run(ctx) }()
		defer cancel()
		f(s)
		cancel()
		if err := <-ran; err != nil {
			t.Error("Run:", err)
		}
		if n := s.hub.Unsent(); n != 0 && s.counted == 0 {
			t.Errorf("%d bytes unsent of nobody", n)
		}
	})
}

// fresh is the hand-over data of a stream that has just been opened.
func fresh() *passed {
	now := time.Now().UnixNano()
	return &passed{Opened: now, Active: now, Quiet: now}
}

// data is a data line with a run's id in it.
func data(kind study.Kind, seq int, run, fields string) string {
	return fmt.Sprintf(`{"type":"%s","seq":%d,"run_id":"%s"%s}`, kind, seq, run, fields)
}

// open opens a stream of the scene's session; a resumed stream is not sent a head.
func (s *scene) open(fd int, after study.Position) *socket {
	return s.serve(fd, Stream{FD: fd, past: fresh(), Query: stream.Query{Session: s.session, After: after}}, -1)
}

func (s *scene) serve(fd int, st Stream, room int) *socket {
	sock := &socket{room: room}
	s.sockets.all[fd] = sock
	s.hub.Reserve()
	s.hub.Serve(st)
	synctest.Wait()
	return sock
}

// begin opens a run of the scene's session.
func (s *scene) begin() stream.Writer {
	s.Helper()
	s.run = uuid.NewString()
	w, err := s.journal.Begin(s.Context(), stream.RunInfo{Session: s.session, Run: s.run})
	if err != nil {
		s.Fatal(err)
	}
	return w
}

func (s *scene) append(w stream.Writer, events ...study.Event) {
	s.Helper()
	for _, e := range events {
		if err := w.Append(s.Context(), e); err != nil {
			s.Fatal(err)
		}
	}
	synctest.Wait()
}

func number(kind study.Kind, n int) study.Event {
	return study.Event{Kind: kind, Fields: []byte(`{"n":` + strconv.Itoa(n) + `}`)}
}

// happens reports to the hub that a socket has room again, or that its client is gone.
func (s *scene) happens(fd int, gone bool) {
	s.hub.locked(func(d *due) {
		switch c := s.hub.clients[fd]; {
		case c == nil: // closed meanwhile
		case gone:
			s.hub.remove(c, d)
		default:
			s.hub.onWritable(c, d)
		}
	})
	synctest.Wait()
}

func (s *scene) sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// text returns everything that a client was sent.
func (k *socket) text() string { return strings.Join(k.writes, "") }

// events parses everything that a client was sent.
func (k *socket) events(t *testing.T) (ids, datas []string) {
	t.Helper()
	r := eventstream.NewReader(strings.NewReader(k.text()), eventstream.Limits{})
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return ids, datas
		}
		if err != nil {
			t.Fatal(err)
		}
		ids, datas = append(ids, e.ID), append(datas, string(e.Data))
	}
}
