package relay_test

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"studysharper/app/stream"
	"studysharper/app/stream/memory"
	"studysharper/app/stream/relay"
	"studysharper/app/stream/streamtest"
	"studysharper/app/study"
	"studysharper/app/testkit"
)

// heap returns the live heap and the number of goroutines.
func heap() (bytes int64, goroutines int) {
	var s runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc + s.StackInuse), runtime.NumGoroutine()
}

func TestTenThousandWaitingReadersTakeNoGoroutinesAndLittleMemory(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	const n = 10_000
	got := make(chan error, n)
	deliver := func(_ study.Batch, err error) { got <- err }
	sessions := make([]string, n)
	for i := range sessions {
		sessions[i] = uuid.NewString()
	}
	o := memory.Options{MaxReaders: n, MaxSessions: n}

	direct := memory.New(o)
	before, goroutines := heap()
	for _, s := range sessions {
		direct.Await(stream.Query{Session: s, Owner: "user-1"}, deliver)
	}
	after, more := heap()
	t.Logf("in the journal alone: %d bytes a reader, its session included", (after-before)/n)
	if more != goroutines || (after-before)/n > 700 {
		t.Errorf("%d goroutines more and %d bytes a reader", more-goroutines, (after-before)/n)
	}
	runtime.KeepAlive(direct)

	m := memory.New(o)
	relays := []*relay.Client{newClient(t, m, relay.Options{}), newClient(t, m, relay.Options{})}
	for _, r := range relays { // wait until both connections are up
		if err := r.Drop(t.Context(), sessions[0]); err != nil && study.AsError(err).Code != study.CodeNotFound {
			t.Fatal(err)
		}
	}
	before, goroutines = heap()
	for i, s := range sessions {
		relays[i%2].Await(stream.Query{Session: s, Owner: "user-1"}, deliver)
	}
	for _, r := range relays { // answered after all earlier requests
		if err := r.Drop(t.Context(), uuid.NewString()); err != nil && study.AsError(err).Code != study.CodeNotFound {
			t.Fatal(err)
		}
	}
	for m.Stats().Sessions < n { // the last ones are still being registered
		runtime.Gosched()
	}
	after, more = heap()
	t.Logf("through two relays: %d bytes a reader, both ends and its session included", (after-before)/n)
	if more != goroutines || (after-before)/n > 1200 {
		t.Errorf("%d goroutines more and %d bytes a reader", more-goroutines, (after-before)/n)
	}

	for _, s := range sessions {
		if err := m.Drop(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	for range n {
		wantCode(t, "a reader of a dropped session", <-got, study.CodeNotFound)
	}
}

// BenchmarkAppendToTheOtherWorker measures what the relay adds: from Append on one worker
// until Since returns on another.
func BenchmarkAppendToTheOtherWorker(b *testing.B) {
	m := memory.New(memory.Options{})
	writer, reader := newClient(b, m, relay.Options{}), newClient(b, m, relay.Options{})
	session := uuid.NewString()
	w := begin(b, writer, session, nil)
	came := make(chan time.Time)
	asked := make(chan bool)
	go func() {
		q := stream.Query{Session: session}
		for range b.N {
			asked <- true
			batch, err := reader.Since(b.Context(), q)
			if err != nil {
				b.Error(err)
			}
			came <- time.Now()
			q.After = batch.Next
		}
	}()
	e := streamtest.Event(study.KindProgress, "a token or two")
	took := make([]time.Duration, 0, b.N)
	for range b.N {
		<-asked
		testkit.Pause(200 * time.Microsecond) // let the query arrive: this measures a reader that is already waiting
		start := time.Now()
		if err := w.Append(b.Context(), e); err != nil {
			b.Fatal(err)
		}
		took = append(took, (<-came).Sub(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkAppend measures appending an event to the journal alone, without readers.
func BenchmarkAppend(b *testing.B) {
	m := memory.New(memory.Options{})
	w := begin(b, m, uuid.NewString(), nil)
	e := streamtest.Event(study.KindProgress, "a token or two")
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Append(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRelayThroughput measures runs of 200 tokens, 16 at once, posted on one
// worker and read on another.
func BenchmarkRelayThroughput(b *testing.B) {
	m := memory.New(memory.Options{MaxEvents: 250})
	writer, reader := newClient(b, m, relay.Options{}), newClient(b, m, relay.Options{})
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if fault := oneRun(writer, reader, 200); fault != "" {
				b.Error(fault)
			}
		}
	})
	b.ReportMetric(float64(200*b.N)/b.Elapsed().Seconds(), "events/s")
}
