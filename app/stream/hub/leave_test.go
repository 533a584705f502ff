package hub

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"studysharper/app/stream"
	"studysharper/app/study"
)

func TestALeavingWorkerGivesItsStreamsAwayAtAnEventsBoundary(t *testing.T) {
	play(t, Options{}, func(s *scene) {
		w := s.begin()
		s.append(w, number(study.KindStart, 1))
		s.open(1, study.Position{})
		slow := s.serve(2, Stream{FD: 2, past: fresh(), Query: stream.Query{Session: s.session}}, 10)
		given := map[int]string{}
		s.hub.Reserve()
		empty := s.hub.Leave(func(fd int, stream json.RawMessage) error {
			var p passed
			if err := json.Unmarshal(stream, &p); err != nil {
				t.Error(err)
			}
			given[fd] = p.Owner + p.Position
			if fd == 1 {
				return errors.New("nobody takes it")
			}
			return nil
		})
		if given[1] != "z.1" || len(given) != 1 {
			t.Fatalf("given at once: %v", given)
		}
		slow.room = -1
		s.happens(2, false)
		s.append(w, number(study.KindComplete, 2))
		if given[2] != "z.1" || slow.text() != "id: z.1\ndata: "+data(study.KindStart, 1, s.run, `,"n":1`)+"\n\n" {
			t.Errorf("given %v, the slow one had %q", given, slow.text())
		}
		select {
		case <-empty:
			t.Fatal("empty, though a stream is still to come")
		default:
		}
		s.sockets.all[3] = &socket{room: -1}
		s.hub.Serve(Stream{FD: 3, Head: []byte("head\n\n"), Query: stream.Query{Session: s.session, Owner: "ann"}})
		<-empty
		if given[3] != "ann0.0" || !strings.HasPrefix(s.sockets.all[3].text(), "head\n\nretry: ") || s.counted != 0 {
			t.Errorf("who came last: given at %q behind %q; %d counted", given[3], s.sockets.all[3].text(), s.counted)
		}
	})
}

func TestAStopClosesStreamsWithoutAWord(t *testing.T) {
	play(t, Options{}, func(s *scene) {
		s.begin()
		k := s.open(1, study.Position{})
		<-s.hub.End()
		if !k.closed || k.text() != "" || s.journal.Stats().Readers != 0 {
			t.Errorf("closed %v, sent %q, %+v", k.closed, k.text(), s.journal.Stats())
		}
		<-s.hub.End()
	})
}

func TestAStopLeavesRunsTheirEndWhereNobodyCanResumeThem(t *testing.T) {
	play(t, Options{Final: true}, func(s *scene) {
		w := s.begin()
		s.append(w, number(study.KindProgress, 1))
		first, resumed := s.open(1, study.Position{}), s.open(2, study.Position{Epoch: 35, Seq: 1})
		idle := s.serve(3, Stream{FD: 3, Query: stream.Query{Session: "nobody's"}}, -1)
		empty := s.hub.End()
		s.sleep(time.Second)
		if first.closed || resumed.closed || !idle.closed {
			t.Errorf("closed: %v and %v, want false; of a session without a run %v", first.closed, resumed.closed, idle.closed)
		}
		s.append(w, number(study.KindComplete, 2))
		<-empty
		for _, k := range []*socket{first, resumed} {
			if !k.closed || !strings.Contains(k.text(), `"type":"complete"`) {
				t.Errorf("closed %v, sent %q", k.closed, k.text())
			}
		}
	})
}

func TestEachStreamsPlaceIsGivenBackOnceWhetherItIsClosedOrGivenAway(t *testing.T) {
	ended := map[int32]int{}
	play(t, Options{
		Ended: func(place int32) { ended[place]++ },
		Key:   func(place int32) uint64 { return uint64(place) * 10 },
		Add:   func(client uint64) int32 { return int32(client / 10) },
	}, func(s *scene) {
		s.begin()
		for fd := range 4 {
			s.serve(fd, Stream{FD: fd, past: fresh(), Place: int32(fd + 1), Query: stream.Query{Session: s.session}}, -1)
		}
		s.happens(0, true) // its client has left
		if len(ended) != 1 || ended[1] != 1 {
			t.Errorf("after one has left: %v", ended)
		}
		given := map[int32]bool{}
		<-s.hub.Leave(func(fd int, stream json.RawMessage) error {
			var p passed
			if err := json.Unmarshal(stream, &p); err != nil {
				t.Error(err)
			}
			place := int32(p.Client / 10)
			given[place] = ended[place] == 0 // it counts until it has been handed over
			if fd == 2 {
				return errors.New("nobody takes it")
			}
			return nil
		})
		for place := range int32(4) {
			if ended[place+1] != 1 || place > 0 && !given[place+1] {
				t.Errorf("place %d was given back %d times; given away %v", place+1, ended[place+1], given)
			}
		}
	})
}
