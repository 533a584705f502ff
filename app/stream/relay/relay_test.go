package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"studysharper/app/stream"
	"studysharper/app/stream/memory"
	"studysharper/app/stream/relay"
	"studysharper/app/stream/streamtest"
	"studysharper/app/study"
)

// socketpair returns the two ends of a unix stream connection, like those of the supervisor
// and a worker.
func socketpair(t testing.TB) (supervisor, worker net.Conn) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ends := [2]net.Conn{}
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "socketpair")
		if ends[i], err = net.FileConn(f); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
	return ends[0], ends[1]
}

// newClient connects a worker to j for the length of the test.
func newClient(t testing.TB, j *memory.Journal, o relay.Options) *relay.Client {
	t.Helper()
	supervisor, worker := socketpair(t)
	r, _, stop := connect(j, supervisor, worker, o)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// connect runs both ends of a relay. kill breaks the worker's end; stop ends it cleanly,
// which also ends the other end, and returns their errors.
func connect(j *memory.Journal, supervisor, worker net.Conn, o relay.Options) (r *relay.Client, kill func(), stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	served, ran := make(chan error, 1), make(chan error, 1)
	r = relay.NewClient(worker, o)
	go func() { served <- relay.Serve(context.Background(), supervisor, j, o) }()
	go func() { ran <- r.Run(ctx) }()
	return r, func() { _ = worker.Close() }, func() error {
		cancel()
		return errors.Join(<-ran, <-served)
	}
}

func TestTwoRelaysOnOneMemoryKeepTheContract(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	streamtest.Run(t, func(t *testing.T) streamtest.Fixture {
		m := memory.New(memory.Options{MaxEvents: streamtest.MaxEvents, MaxEventBytes: streamtest.MaxEventBytes})
		return streamtest.Fixture{Writer: newClient(t, m, relay.Options{}), Reader: newClient(t, m, relay.Options{})}
	})
}

func wantCode(t *testing.T, what string, err error, code study.Code) {
	t.Helper()
	var e *study.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("%s: error is %v, want code %s", what, err, code)
	}
}

func begin(t testing.TB, j stream.Journal, session string, onLost func(error)) stream.Writer {
	t.Helper()
	w, err := j.Begin(t.Context(), stream.RunInfo{Session: session, Run: uuid.NewString(), OnLost: onLost})
	if err != nil {
		t.Fatal("Begin:", err)
	}
	return w
}

// toTheEnd reads a session's stream until it ends.
func toTheEnd(t testing.TB, j stream.Journal, session string) []study.Event {
	t.Helper()
	var all []study.Event
	q := stream.Query{Session: session}
	for {
		b, err := j.Since(t.Context(), q)
		if err != nil {
			t.Fatal("Since:", err)
		}
		all, q.After = append(all, b.Events...), b.Next
		if b.Ended {
			return all
		}
	}
}

func TestFault_P9_AKilledWorkersRunsEndWithExactlyOneError(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	m := memory.New(memory.Options{})
	supervisor, worker := socketpair(t)
	dying, kill, stop := connect(m, supervisor, worker, relay.Options{})
	sibling := newClient(t, m, relay.Options{})
	const runs = 10
	sessions := make([]string, runs)
	lost := make(chan error, runs)
	for i := range sessions {
		sessions[i] = uuid.NewString()
		w := begin(t, dying, sessions[i], func(err error) { lost <- err })
		if err := w.Append(t.Context(), streamtest.Event(study.KindStart, "")); err != nil {
			t.Fatal(err)
		}
		if i == 0 { // this one has already ended
			if err := w.Append(t.Context(), streamtest.Event(study.KindComplete, "")); err != nil {
				t.Fatal(err)
			}
		}
		dying.Await(stream.Query{Session: uuid.NewString()}, func(study.Batch, error) {})
	}
	kill()
	for i, session := range sessions {
		want := study.KindError
		if i == 0 {
			want = study.KindComplete
		}
		events := toTheEnd(t, sibling, session)
		ends := 0
		for _, e := range events {
			if e.Kind.Terminal() {
				ends++
			}
		}
		if last := events[len(events)-1]; ends != 1 || last.Kind != want || want == study.KindError && !strings.Contains(string(last.Fields), `"retryable":true`) {
			t.Errorf("run %d: %d ends, the last event is %s %s", i, ends, last.Kind, last.Fields)
		}
	}
	for range runs - 1 {
		wantCode(t, "OnLost", <-lost, study.CodeUnavailable)
	}
	wantCode(t, "Run of a relay cut off", stop(), study.CodeUnavailable)
	if got := m.Stats(); got.Runs != 0 || got.Readers != 0 || got.Sessions != runs {
		t.Errorf("the dead worker left %+v", got)
	}
}

func TestARelayCutOffRefusesEverything(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	m := memory.New(memory.Options{})
	supervisor, worker := socketpair(t)
	r, kill, stop := connect(m, supervisor, worker, relay.Options{})
	w := begin(t, r, uuid.NewString(), nil)
	waiting := make(chan error, 1)
	r.Await(stream.Query{Session: uuid.NewString()}, func(_ study.Batch, err error) { waiting <- err })
	kill()
	wantCode(t, "a waiting reader", <-waiting, study.CodeUnavailable)
	wantCode(t, "Run", stop(), study.CodeUnavailable)
	_, err := r.Begin(t.Context(), stream.RunInfo{Session: uuid.NewString(), Run: uuid.NewString()})
	wantCode(t, "Begin", err, study.CodeUnavailable)
	_, err = r.Since(t.Context(), stream.Query{Session: uuid.NewString()})
	wantCode(t, "Since", err, study.CodeUnavailable)
	wantCode(t, "Drop", r.Drop(t.Context(), uuid.NewString()), study.CodeUnavailable)
	wantCode(t, "Append", w.Append(t.Context(), streamtest.Event(study.KindToken, "")), study.CodeUnavailable)
	wantCode(t, "Append of the end", w.Append(t.Context(), streamtest.Event(study.KindComplete, "")), study.CodeUnavailable)
	wantCode(t, "Close", w.Close(), study.CodeUnavailable)
	if got := r.Stats(); got != (relay.ClientStats{}) {
		t.Errorf("it still has %+v", got)
	}
}

func TestASupervisorThatStopsServingEndsItsWorkersRuns(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	m := memory.New(memory.Options{})
	supervisor, worker := socketpair(t)
	r := relay.NewClient(worker, relay.Options{})
	served, ran := make(chan error, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { served <- relay.Serve(ctx, supervisor, m, relay.Options{}) }()
	go func() { ran <- r.Run(t.Context()) }()
	session := uuid.NewString()
	begin(t, r, session, nil)
	cancel()
	if err := <-served; err != nil {
		t.Error("Serve:", err)
	}
	wantCode(t, "Run", <-ran, study.CodeUnavailable)
	if events := toTheEnd(t, m, session); len(events) != 1 || events[0].Kind != study.KindError {
		t.Errorf("the run ended as %+v", events)
	}
}

func TestWhatWasAppendedIsSentBeforeARelayEnds(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	const n = 90
	m := memory.New(memory.Options{})
	supervisor, worker := socketpair(t)
	r, _, stop := connect(m, supervisor, worker, relay.Options{})
	session := uuid.NewString()
	w := begin(t, r, session, nil)
	for i := range n {
		if err := w.Append(t.Context(), streamtest.Event(study.KindProgress, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if events := toTheEnd(t, m, session); len(events) != n+1 || events[n].Kind != study.KindError {
		t.Errorf("%d events came, want %d and an error", len(events), n)
	}
}

func TestAPipelinedEventThatFindsNoRoomLosesItsRunAloud(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	m := memory.New(memory.Options{MaxBytes: 4000, MaxEventBytes: 8000})
	r := newClient(t, m, relay.Options{})
	session := uuid.NewString()
	lost := make(chan error, 2)
	w := begin(t, r, session, func(err error) { lost <- err })
	large := streamtest.Event(study.KindProgress, strings.Repeat("x", 5000))
	if err := w.Append(t.Context(), large); err != nil {
		t.Fatal("an event on its way:", err)
	}
	wantCode(t, "OnLost", <-lost, study.CodeOverloaded)
	wantCode(t, "the next event", w.Append(t.Context(), large), study.CodeOverloaded)
	wantCode(t, "the end", w.Append(t.Context(), streamtest.Event(study.KindComplete, "")), study.CodeOverloaded)
	wantCode(t, "Close", w.Close(), study.CodeOverloaded)
	if events := toTheEnd(t, r, session); len(events) != 1 || events[0].Kind != study.KindError {
		t.Errorf("readers see %+v, want one error", events)
	}
	w = begin(t, r, session, func(err error) { lost <- err })
	large.Kind = study.KindComplete
	wantCode(t, "an end that finds no room", w.Append(t.Context(), large), study.CodeOverloaded)
	wantCode(t, "OnLost", <-lost, study.CodeOverloaded)
	if len(lost) > 0 {
		t.Error("OnLost was called twice")
	}
}

func TestEachEndOfARelayRefusesOneReaderTooMany(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	m := memory.New(memory.Options{})
	r := newClient(t, m, relay.Options{MaxReaders: 2})
	deliver := func(study.Batch, error) {}
	cancel := r.Await(stream.Query{Session: uuid.NewString()}, deliver)
	r.Await(stream.Query{Session: uuid.NewString()}, deliver)
	_, err := r.Since(t.Context(), stream.Query{Session: uuid.NewString()})
	wantCode(t, "the worker's end", err, study.CodeOverloaded)
	cancel()
	if _, err := r.Since(t.Context(), stream.Query{Session: uuid.NewString(), NoWait: true}); err != nil {
		t.Error("after a cancel:", err)
	}

	supervisor, worker := socketpair(t)
	generous := relay.NewClient(worker, relay.Options{})
	done := make(chan error, 2)
	go func() { done <- relay.Serve(t.Context(), supervisor, m, relay.Options{MaxReaders: 2}) }()
	ctx, stop := context.WithCancel(t.Context())
	go func() { done <- generous.Run(ctx) }()
	for range 2 {
		generous.Await(stream.Query{Session: uuid.NewString()}, deliver)
	}
	_, err = generous.Since(t.Context(), stream.Query{Session: uuid.NewString()})
	wantCode(t, "the supervisor's end", err, study.CodeOverloaded)
	stop()
	if err := errors.Join(<-done, <-done); err != nil {
		t.Error(err)
	}
}

func TestABeginCutShortLeavesNoRunOpen(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	m := memory.New(memory.Options{})
	supervisor, worker := socketpair(t)
	r := relay.NewClient(worker, relay.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	session := uuid.NewString()
	_, err := r.Begin(ctx, stream.RunInfo{Session: session, Run: uuid.NewString()})
	wantCode(t, "Begin before Run", err, study.CodeUnavailable)
	ctx, cancel = context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() { done <- relay.Serve(ctx, supervisor, m, relay.Options{}) }()
	go func() { done <- r.Run(ctx) }()
	if err := r.Drop(t.Context(), uuid.NewString()); err != nil && study.AsError(err).Code != study.CodeNotFound { // answered after everything sent before
		t.Error(err)
	}
	if got := m.Stats(); got.Runs != 0 || got.QueuedEvents != 1 {
		t.Errorf("%+v; want the run to have ended", got)
	}
	cancel()
	if err := errors.Join(<-done, <-done); err != nil {
		t.Error(err)
	}
}

func TestManyRunsAcrossWorkersLoseAndDoubleNothing(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	const runs, tokens, atOnce = 200, 90, 32
	m := memory.New(memory.Options{})
	writer, reader := newClient(t, m, relay.Options{}), newClient(t, m, relay.Options{})
	slots, faults := make(chan bool, atOnce), make(chan string, runs)
	for range runs {
		slots <- true
		go func() {
			defer func() { <-slots }()
			faults <- oneRun(writer, reader, tokens)
		}()
	}
	for range runs {
		if fault := <-faults; fault != "" {
			t.Error(fault)
		}
	}
}

// oneRun posts a run on one worker and reads it on another, and returns what went wrong.
func oneRun(writer, reader stream.Journal, tokens int) (fault string) {
	ctx, session := context.Background(), uuid.NewString()
	w, err := writer.Begin(ctx, stream.RunInfo{Session: session, Run: uuid.NewString()})
	if err != nil {
		return err.Error()
	}
	go func() {
		for i := range tokens {
			e, _ := study.NewEvent(study.KindToken, map[string]string{"text": fmt.Sprint(i, " ")})
			_ = w.Append(ctx, e)
		}
		_ = w.Append(ctx, study.Event{Kind: study.KindComplete})
	}()
	var got, want strings.Builder
	for i := range tokens {
		fmt.Fprint(&want, i, " ")
	}
	q, seq := stream.Query{Session: session}, uint64(0)
	for {
		b, err := reader.Since(ctx, q)
		if err != nil || b.Missed > 0 {
			return fmt.Sprintf("missed %d, %v", b.Missed, err)
		}
		for _, e := range b.Events {
			if seq++; e.Seq != seq {
				return fmt.Sprintf("event %d came for %d", e.Seq, seq)
			}
			var f struct{ Text string }
			_ = json.Unmarshal(e.Fields, &f)
			got.WriteString(f.Text)
		}
		if q.After = b.Next; b.Ended {
			break
		}
	}
	if got.String() != want.String() {
		return fmt.Sprintf("got %q", got.String())
	}
	return ""
}

func TestBoundsBelowZeroPanic(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	relay.NewClient(nil, relay.Options{MaxReaders: -1})
}
