package scenario

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"studysharper/app/study"
	"studysharper/app/testkit"
	"studysharper/loadtest/client"
	"studysharper/loadtest/pace"
)

func TestMixedAsksForEachKindInItsShare(t *testing.T) {
	s := &service{}
	r := play(t, "mixed", start(t, s), pace.Plan{Workers: 4, Requests: 200})
	for series, want := range map[string]int64{"chat": 100, "flashcard_generation": 40, "quiz_generation": 20, "summary_generation": 20, "health": 20} {
		if r.Series[series].Count != want {
			t.Errorf("%d of %s, want %d", r.Series[series].Count, series, want)
		}
	}
	if r.OK != 200 || len(s.asked) != 180 {
		t.Errorf("%+v, %d bodies", r.Totals, len(s.asked))
	}
}

func TestChatIsTheSeedsRequest(t *testing.T) {
	s := &service{}
	o := start(t, s)
	o.Type = study.Quiz
	play(t, "chat", o, pace.Plan{Workers: 1, Requests: 2})
	if got := fmt.Sprint(s.asked[1]); got != "map[message:Test message 2 options:map[] type:quiz_generation user_id:load-test-user]" {
		t.Errorf("asked %s", got)
	}
}

func TestRequestsAreAboutThePiecesOfTheNotesInTurn(t *testing.T) {
	for _, name := range []string{"chat", "flashcards", "cache"} {
		s := &service{}
		o := start(t, s)
		o.Notes = Notes{"first", "second"}
		play(t, name, o, pace.Plan{Workers: 1, Requests: 20})
		seen := map[string]bool{}
		for _, body := range s.asked {
			content := body["options"].(map[string]any)["content"].(string)
			seen[content[max(0, len(content)-6):]] = true
		}
		if len(seen) != 2 {
			t.Errorf("%s: contents end with %v", name, seen)
		}
	}
}

func TestCacheAsksForAFewThingsMuchMoreOftenThanForOthers(t *testing.T) {
	s := &service{}
	seen := map[string]int{}
	s.answer = func(w http.ResponseWriter, _ int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		message := s.asked[len(s.asked)-1]["message"].(string)
		if seen[message]++; seen[message] > 1 {
			w.Header().Set("X-Cache", "HIT")
		}
		io.WriteString(w, `{"status":"success"}`)
	}
	r := play(t, "cache", start(t, s), pace.Plan{Workers: 1, Requests: 2000})
	counts := []int{}
	for _, n := range seen {
		counts = append(counts, n)
	}
	slices.Sort(counts)
	most, distinct := counts[len(counts)-1], int64(len(counts))
	// Of 50 keys with exponent 1.1 the first one's share is 1 / sum(1/k^1.1) = 0.28.
	if share := float64(most) / 2000; math.Abs(share-0.28) > 0.05 || distinct < 40 || distinct > 50 {
		t.Errorf("the first of %d keys has a share of %.2f", distinct, share)
	}
	if r.Series["not cached"].Count != distinct || r.Series["cached"].Count != 2000-distinct {
		t.Errorf("series %+v for %d keys", r.Series, distinct)
	}
}

func TestOnlyAnAnswerThatSaysSuccessIsOne(t *testing.T) {
	for body, want := range map[string]client.Kind{`{"status":"success"}`: "", `{"status":"error"}`: client.NoSuccess, `{}`: client.NoSuccess, `<html>`: client.NotJSON} {
		s := &service{answer: func(w http.ResponseWriter, _ int) { io.WriteString(w, body) }}
		r := play(t, "chat", start(t, s), pace.Plan{Workers: 1, Requests: 1})
		if want == "" && r.OK != 1 || want != "" && r.Failures[string(want)] != 1 {
			t.Errorf("%s: %+v", body, r)
		}
	}
}

func TestHealthAsksForHealthOverOneConnectionOrMany(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		s := &service{}
		o := start(t, s)
		o.Fresh = fresh
		if r := play(t, "health", o, pace.Plan{Workers: 1, Requests: 10}); r.OK != 10 || s.paths[9] != "/health" {
			t.Errorf("fresh %v: %+v, %v", fresh, r.Totals, s.paths)
		}
	}
}

func TestAnOpenLoadTellsBothTimes(t *testing.T) {
	s := &service{answer: func(w http.ResponseWriter, n int) {
		if n == 1 {
			testkit.Pause(50 * time.Millisecond) // a stall: 49 others are due during it
		}
		io.WriteString(w, `{"status":"success"}`)
	}}
	r := play(t, "chat", start(t, s), pace.Plan{Workers: 1, Rate: 1000, Duration: 100 * time.Millisecond})
	due, sent := r.Latency, r.Series[sinceSent]
	if due.Count != 100 || sent.Count != 100 || due.Mean <= sent.Mean+5 {
		t.Errorf("from when they were due %+v, from when they were sent %+v", due, sent)
	}
}

func TestUnknownScenariosAndStreamsOverTLSAreRefused(t *testing.T) {
	if _, err := Find("idle"); err == nil || !strings.Contains(err.Error(), "idle-streams") {
		t.Errorf("%v", err)
	}
	target, err := client.ParseTarget("https://localhost")
	if err == nil {
		err = target.Resolve(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range All {
		if _, err := e.New(Options{Target: target, Keys: 2, Skew: 1.1}); (err != nil) != e.Streams {
			t.Errorf("%s over TLS: %v", e.Name, err)
		}
	}
}

func TestNotesAreSplitWithinTheirBounds(t *testing.T) {
	for name, text := range map[string]string{
		"paragraphs": strings.Repeat("A sentence of a note. ", 10) + "\n\n" + strings.Repeat("Another one. ", 100) + "\r\n\r\nLast.",
		"no end":     strings.Repeat("x", mostPiece*2+1), "characters": strings.Repeat("日本語", 3000), "broken": strings.Repeat("\xff\xfe ", 3000),
		"built in": builtIn,
	} {
		pieces := Split(text)
		if len(pieces) == 0 {
			t.Errorf("%s: no pieces", name)
		}
		for i, p := range pieces {
			if len(p) > mostPiece || p == "" || !utf8.ValidString(p) || i < len(pieces)-1 && len(p) < leastPiece {
				t.Errorf("%s: piece %d has %d bytes, valid %v", name, i, len(p), utf8.ValidString(p))
			}
		}
	}
	if got := Split(" \n\n \r\n"); len(got) != 0 {
		t.Errorf("a blank text has pieces %q", got)
	}
	if got := Split("one\n\ntwo"); len(got) != 1 || got[0] != "one\n\ntwo" {
		t.Errorf("%q", got)
	}
}
