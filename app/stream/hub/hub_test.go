package hub

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"studysharper/app/stream"
	"studysharper/app/stream/eventstream"
	"studysharper/app/stream/memory"
	"studysharper/app/study"
)

func TestAStreamIsSentItsHeadAtOnceAndEventsToTheEnd(t *testing.T) {
	play(t, Options{}, func(s *scene) {
		k := s.serve(7, Stream{FD: 7, Head: []byte("HTTP/1.1 200 OK\r\n\r\n"), Query: stream.Query{Session: s.session}}, -1)
		if len(k.writes) != 1 || !strings.HasPrefix(k.writes[0], "HTTP/1.1 200 OK\r\n\r\nretry: ") {
			t.Fatalf("before any event: %q", k.writes)
		}
		w := s.begin()
		s.append(w, number(study.KindStart, 1), number(study.KindProgress, 2))
		s.append(w, number(study.KindComplete, 3))
		want := "id: z.1\ndata: " + data(study.KindStart, 1, s.run, `,"n":1`) + "\n\n" +
			"id: z.2\ndata: " + data(study.KindProgress, 2, s.run, `,"n":2`) + "\n\n" +
			"id: z.3." + s.run + "\ndata: " + data(study.KindComplete, 3, s.run, `,"n":3`) + "\n\n"
		if got := strings.Join(k.writes[1:], ""); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if !k.closed || s.counted != 0 {
			t.Errorf("closed %v, %d counted", k.closed, s.counted)
		}
	})
}

func TestStreamsAtOnePlaceWaitTogether(t *testing.T) {
	play(t, Options{}, func(s *scene) {
		w := s.begin()
		s.append(w, number(study.KindStart, 1))
		var all []*socket
		for fd := range 200 {
			all = append(all, s.open(fd, study.Position{}))
		}
		if n := s.journal.Stats().Readers; n != 1 {
			t.Errorf("%d waits for 200 streams at one place", n)
		}
		late := s.open(500, study.Position{Epoch: 35, Seq: 1})
		s.append(w, number(study.KindComplete, 2))
		for fd, k := range all {
			if ids, _ := k.events(t); !slices.Equal(ids, []string{"z.1", "z.2." + s.run}) || !k.closed {
				t.Fatalf("stream %d got %v, closed %v", fd, ids, k.closed)
			}
		}
		if ids, _ := late.events(t); !slices.Equal(ids, []string{"z.2." + s.run}) {
			t.Errorf("who came later got %v", ids)
		}
	})
}

func TestAGapIsToldFirst(t *testing.T) {
	play(t, Options{}, func(s *scene) {
		w := s.begin()
		for i := range 30 {
			s.append(w, number(study.KindProgress, i))
		}
		s.append(w, study.Event{Kind: study.KindComplete})
		ids, datas := s.open(3, study.Position{Epoch: 35, Seq: 5}).events(t)
		if len(ids) != 21 || datas[0] != data(study.KindGap, 11, s.run, `,"missed":6`) || ids[0] != "z.11" || ids[1] != "z.12" {
			t.Errorf("%d events, first %s as %q", len(ids), datas[0], ids[:2])
		}
	})
}

func TestAStreamEndsAtOnceForWhoHasSeenTheEnd(t *testing.T) {
	play(t, Options{}, func(s *scene) {
		s.append(s.begin(), study.Event{Kind: study.KindComplete})
		if k := s.open(3, study.Position{Epoch: 35, Seq: 1}); !k.closed || k.text() != "" {
			t.Errorf("closed %v, sent %q", k.closed, k.text())
		}
	})
}

func TestASlowClientIsSentTheRestOfItsEventAndThenWhatTheJournalHas(t *testing.T) {
	whole := func(s *scene, room int) string {
		w := s.begin()
		k := s.serve(4, Stream{FD: 4, past: fresh(), Query: stream.Query{Session: s.session}}, room)
		good := s.open(5, study.Position{})
		for i := range 12 {
			s.append(w, number(study.KindProgress, i))
		}
		s.append(w, study.Event{Kind: study.KindComplete})
		for ; room >= 0 && !k.closed; s.sleep(time.Second) {
			k.room = room
			s.happens(4, false)
		}
		if !k.closed || good.text() != k.text() {
			t.Errorf("with room for %d bytes: closed %v, got %q, want %q", room, k.closed, k.text(), good.text())
		}
		return k.text()
	}
	for room := range 120 {
		play(t, Options{}, func(s *scene) { whole(s, room+1) })
	}
}

func TestAClientThatTakesNothingIsClosedAfterWriteWait(t *testing.T) {
	play(t, Options{WriteWait: 10 * time.Second}, func(s *scene) {
		w := s.begin()
		k := s.serve(4, Stream{FD: 4, past: fresh(), Query: stream.Query{Session: s.session}}, 20)
		s.append(w, number(study.KindStart, 1))
		if n := s.hub.Unsent(); n == 0 || n > 100 {
			t.Errorf("%d bytes wait", n)
		}
		s.sleep(time.Minute)
		if !k.closed || k.ended < 10*time.Second || k.ended > 10*time.Second+2*tick {
			t.Errorf("closed %v after %v", k.closed, k.ended)
		}
	})
}

func TestOneByteTooManyForSlowClientsClosesTheOneThatWouldHaveIt(t *testing.T) {
	fields := fmt.Appendf(nil, `{"text":"%s"}`, strings.Repeat("x", 1000))
	size := len(stream.AppendBatch(nil, study.Batch{Run: study.NoRun, Next: study.Position{Epoch: 35, Seq: 1},
		Events: []study.Event{{Kind: study.KindToken, Seq: 1, Fields: fields}}}))
	for _, bound := range []int{2 * (size - 1), 2*(size-1) - 1} {
		play(t, Options{MaxUnsentBytes: bound}, func(s *scene) {
			w := s.begin()
			one := s.serve(1, Stream{FD: 1, past: fresh(), Query: stream.Query{Session: s.session}}, 1)
			two := s.serve(2, Stream{FD: 2, past: fresh(), Query: stream.Query{Session: s.session}}, 1)
			s.append(w, study.Event{Kind: study.KindToken, Fields: fields})
			closed := one.closed || two.closed
			if want := bound < 2*(size-1); closed != want || one.closed && two.closed {
				t.Errorf("bound %d: closed %v and %v", bound, one.closed, two.closed)
			}
			s.happens(1, true)
			s.happens(2, true)
		})
	}
}

func TestASessionNobodyHasPostedToIsHeldForPendingFor(t *testing.T) {
	play(t, Options{}, func(s *scene) {
		k := s.open(9, study.Position{})
		s.sleep(2 * time.Minute)
		want := []string{": keepalive\n\n", ": keepalive\n\n", ": keepalive\n\n",
			"id: 0.1.\ndata: " + data(study.KindError, 1, study.NoRun, `,"error":"no request has been made in this session","retryable":true`) + "\n\n"}
		if !slices.Equal(k.writes, want) || !k.closed {
			t.Fatalf("sent %q, closed %v", k.writes, k.closed)
		}
		for i, at := range []time.Duration{15 * time.Second, 30 * time.Second, 45 * time.Second, time.Minute} {
			if late := k.at[i] - at; late < 0 || late > time.Duration(i+2)*tick {
				t.Errorf("write %d came at %v, want %v", i, k.at[i], at)
			}
		}
		if got := s.journal.Stats(); got.Sessions != 0 || got.Readers != 0 {
			t.Errorf("the journal keeps %+v", got)
		}
	})
}

func TestARunThatHasBegunIsWaitedForLonger(t *testing.T) {
	play(t, Options{}, func(s *scene) {
		w := s.begin()
		k := s.open(9, study.Position{})
		s.sleep(90 * time.Second)
		s.append(w, study.Event{Kind: study.KindComplete})
		if _, datas := k.events(t); len(datas) != 1 || datas[0] != data(study.KindComplete, 1, s.run, "") {
			t.Errorf("got %q", datas)
		}
	})
}

func TestAStaleStreamEndsWithAnError(t *testing.T) {
	play(t, Options{Stale: 100 * time.Second, Keepalive: time.Hour}, func(s *scene) {
		s.append(s.begin(), study.Event{Kind: study.KindStart})
		k := s.open(9, study.Position{})
		s.sleep(2 * time.Minute)
		ids, datas := k.events(t)
		if len(datas) != 2 || datas[1] != data(study.KindError, 2, s.run, `,"error":"timed out waiting for events","retryable":true`) || ids[1] != "z.2."+s.run {
			t.Errorf("got %q as %q", datas, ids)
		}
		if k.ended < 100*time.Second || k.ended > 100*time.Second+2*tick {
			t.Errorf("ended after %v", k.ended)
		}
	})
}

func TestAClientIsToldThatItsSessionIsGone(t *testing.T) {
	play(t, Options{}, func(s *scene) {
		s.append(s.begin(), study.Event{Kind: study.KindStart})
		k := s.open(9, study.Position{})
		if err := s.journal.Drop(t.Context(), s.session); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ids, datas := k.events(t)
		if len(datas) != 2 || datas[1] != data(study.KindError, 2, s.run, `,"error":"the session does not exist","retryable":false`) || ids[1] != "z.2."+s.run || !k.closed {
			t.Errorf("got %q as %q, closed %v", datas, ids, k.closed)
		}
	})
}

func TestAClientThatLeavesEndsItsWait(t *testing.T) {
	play(t, Options{}, func(s *scene) {
		w := s.begin()
		k, other := s.open(1, study.Position{}), s.open(2, study.Position{})
		s.happens(1, true)
		if !k.closed || s.journal.Stats().Readers != 1 || s.counted != 1 {
			t.Errorf("closed %v, %d readers, %d counted", k.closed, s.journal.Stats().Readers, s.counted)
		}
		s.happens(2, true)
		if !other.closed || s.journal.Stats().Readers != 0 || s.counted != 0 {
			t.Errorf("closed %v, %d readers, %d counted", other.closed, s.journal.Stats().Readers, s.counted)
		}
		third := s.open(3, study.Position{})
		third.gone = true
		s.append(w, number(study.KindStart, 1))
		if !third.closed || s.counted != 0 {
			t.Errorf("a write that fails: closed %v, %d counted", third.closed, s.counted)
		}
	})
}

func TestAJournalThatCannotBeReachedClosesStreamsWithoutAWord(t *testing.T) {
	play(t, Options{}, func(s *scene) {
		full := memory.New(memory.Options{MaxReaders: 1})
		full.Await(stream.Query{Session: s.session}, func(study.Batch, error) {})
		s.hub.o.Journal = full
		if k := s.open(1, study.Position{}); !k.closed || k.text() != "" {
			t.Errorf("closed %v, sent %q", k.closed, k.text())
		}
	})
}

func TestTheRetryOfEachClientIsItsOwn(t *testing.T) {
	play(t, Options{}, func(s *scene) {
		seen := map[time.Duration]bool{}
		for fd := range 50 {
			k := s.serve(fd, Stream{FD: fd, Query: stream.Query{Session: uuid.NewString()}}, -1)
			r := eventstream.NewReader(strings.NewReader(k.text()), eventstream.Limits{})
			_, _ = r.Next()
			wait, ok := r.Retry()
			if !ok || wait < 500*time.Millisecond || wait > 3*time.Second {
				t.Fatalf("retry is %v, %v", wait, ok)
			}
			seen[wait] = true
		}
		if len(seen) < 10 {
			t.Errorf("%d different ones of 50", len(seen))
		}
	})
}

func TestOptionsBelowZeroPanic(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	newHub(Options{Keepalive: -1}, nil)
}
