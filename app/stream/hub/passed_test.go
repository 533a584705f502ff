package hub

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// relayed hands a stream over to another process every few seconds, until the stream ends
// or the time is up, and returns everything its client was sent.
func (s *scene) relayed(o Options, every, during time.Duration) *socket {
	s.Helper()
	k := s.open(9, study.Position{})
	for at := s.hub; !s.sockets.isClosed(k) && time.Since(s.sockets.start) < during; {
		s.sleep(every)
		if s.sockets.isClosed(k) {
			break
		}
		o.Journal = s.journal
		next := newHub(o, s.sockets)
		go func() { _ = next.Run(s.Context()) }()
		<-at.Leave(func(fd int, stream json.RawMessage) error {
			s.sockets.reopen(k)
			return next.Resume(fd, stream)
		})
		s.sockets.reopen(k) // the leaving process closed its own descriptor
		at = next
		synctest.Wait()
	}
	return k
}

func TestNoHandOverRestartsADeadline(t *testing.T) {
	for _, every := range []time.Duration{700 * time.Millisecond, 7 * time.Second, 19 * time.Second} {
		o := Options{Keepalive: 15 * time.Second, Stale: 100 * time.Second}
		play(t, o, func(s *scene) {
			k := s.relayed(o, every, 5*time.Minute)
			if late := k.ended - time.Minute; !k.closed || late < -time.Second || late > 2*time.Second {
				t.Errorf("handed over every %v, a session nobody has posted to: closed %v after %v", every, k.closed, k.ended)
			}
			if ids, _ := k.events(t); len(ids) != 1 || ids[0] != "0.1." {
				t.Errorf("handed over every %v: events %q, want the error alone", every, ids)
			}
		})
		play(t, o, func(s *scene) {
			s.append(s.begin(), study.Event{Kind: study.KindStart})
			k := s.relayed(o, every, 5*time.Minute)
			ids, datas := k.events(t)
			if len(datas) != 2 || ids[1] != "z.2."+s.run || datas[1] != data(study.KindError, 2, s.run, `,"error":"timed out waiting for events","retryable":true`) {
				t.Errorf("a stale stream: %q as %q", datas, ids)
			}
			if late := k.ended - 100*time.Second; late < -time.Second || late > 2*time.Second {
				t.Errorf("handed over every %v, a stale stream: closed after %v", every, k.ended)
			}
			if n := strings.Count(k.text(), string(Keepalive)); n != 6 {
				t.Errorf("handed over every %v: %d comments in 100 s, want one every 15 s", every, n)
			}
		})
	}
}

func TestAStreamHandedOverStaysWithItsRun(t *testing.T) {
	play(t, Options{}, func(s *scene) {
		w := s.begin()
		s.append(w, number(study.KindStart, 1))
		q := stream.Query{Session: s.session, Run: s.run, Owner: ""}
		s.serve(1, Stream{FD: 1, Query: q}, -1)
		var passedOn json.RawMessage
		<-s.hub.Leave(func(_ int, stream json.RawMessage) error { passedOn = stream; return nil })
		next := newHub(Options{Journal: s.journal}, s.sockets)
		go func() { _ = next.Run(s.Context()) }()
		k := &socket{room: -1}
		s.sockets.all[2] = k
		older := s.run
		s.append(w, number(study.KindComplete, 2))
		s.append(s.begin(), number(study.KindStart, 3))
		if err := next.Resume(2, passedOn); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, datas := k.events(t); len(datas) != 1 || datas[0] != data(study.KindComplete, 2, older, `,"n":2`) || !k.closed {
			t.Errorf("got %q, closed %v", datas, k.closed)
		}
	})
}

func TestWhatIsNoStreamIsNotResumed(t *testing.T) {
	play(t, Options{}, func(s *scene) {
		for _, bad := range []string{"", "{", `{"at":"x"}`, `{"at":1}`, "null"} {
			if err := s.hub.Resume(1, json.RawMessage(bad)); err == nil {
				t.Errorf("%q is taken", bad)
			}
		}
	})
}

func TestAResponseEndsWithItsRun(t *testing.T) {
	play(t, Options{}, func(s *scene) {
		s.append(s.begin(), number(study.KindComplete, 1))
		first := s.run
		s.append(s.begin(), number(study.KindStart, 2))
		k := s.open(1, study.Position{Epoch: 35})
		if ids, datas := k.events(t); len(datas) != 1 || datas[0] != data(study.KindComplete, 1, first, `,"n":1`) || ids[0] != "z.1."+first || !k.closed {
			t.Errorf("got %q as %q, closed %v; want the first run alone", datas, ids, k.closed)
		}
	})
}
