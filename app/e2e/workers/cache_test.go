package workers_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/store"
	"studysharper/app/study"
	"studysharper/app/testkit"
	"studysharper/loadtest/fakellm"
)

// talk is a persistent connection to one worker.
type talk struct {
	*servicetest.Service
	conn   net.Conn
	reader *bufio.Reader
}

func connect(s *servicetest.Service, worker int) *talk {
	s.T.Helper()
	conn := s.Dial(worker)
	s.T.Cleanup(func() { _ = conn.Close() })
	return &talk{s, conn, bufio.NewReader(conn)}
}

// say sends a request with additional header lines, and returns the answer.
func (c *talk) say(method, path, body string, header ...string) (*http.Response, map[string]any) {
	c.T.Helper()
	c.send(method, path, body, header...)
	res, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		c.T.Fatalf("%s %s: %v\n%s", method, path, err, c.Log)
	}
	defer res.Body.Close()
	got := map[string]any{}
	if text, err := io.ReadAll(res.Body); err != nil || len(text) > 0 && json.Unmarshal(text, &got) != nil {
		c.T.Fatalf("%s %s: %v, %s", method, path, err, text)
	}
	return res, got
}

func (c *talk) send(method, path, body string, header ...string) {
	c.T.Helper()
	lines := append([]string{method + " " + path + " HTTP/1.1", "Host: studysharper", "Content-Type: application/json", fmt.Sprint("Content-Length: ", len(body))}, header...)
	if err := c.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		c.T.Fatal(err)
	}
	if _, err := io.WriteString(c.conn, strings.Join(append(lines, "", body), "\r\n")); err != nil {
		c.T.Fatal(err)
	}
}

// database opens the service's database from outside.
func database(s *servicetest.Service) store.Store {
	s.T.Helper()
	db, err := store.Open(s.T.Context(), "sqlite:"+filepath.Join(s.Dir, "data", "studysharper.db"), store.Options{})
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { _ = db.Close() })
	return db
}

func TestANoteChangedOnOneWorkerIsNewOnTheOther(t *testing.T) {
	s := servicetest.Start(t, "MAX_REQUESTS=0")
	a, b := s.Pair()
	both := []*talk{connect(s, a), connect(s, b)}
	const question = `{"type":"chat","user_id":"student","message":"What is a quark?"}`
	_, note := both[0].say("POST", "/api/notes", `{"user_id":"student","title":"Quarks","content":"A quark is particle number 0."}`)
	id, _ := note["id"].(string)
	for i := 1; i <= testkit.Size(25, 100); i++ {
		want := fmt.Sprintf("particle number %d.", i)
		owner := []string{"", "?user_id=student"}[i%2]
		if res, got := both[i%2].say("PATCH", "/api/notes/"+id+owner, fmt.Sprintf(`{"content":"A quark is %s"}`, want)); res.StatusCode != 200 {
			t.Fatalf("%d %v", res.StatusCode, got)
		}
		for range 2 { // also from the cache
			for _, w := range []*talk{both[1-i%2], both[i%2]} {
				if _, got := w.say("POST", "/api/ai/process", question); !strings.Contains(fmt.Sprint(got["result"]), want) {
					t.Fatalf("after change %d: %v", i, got)
				}
			}
		}
	}
	if res, _ := both[0].say("DELETE", "/api/notes/"+id, ""); res.StatusCode != 204 {
		t.Fatal(res.Status)
	}
	for _, w := range both {
		if _, got := w.say("POST", "/api/ai/process", question); strings.Contains(fmt.Sprint(got), "particle number") {
			t.Errorf("a deleted note is in %v", got)
		}
	}
}

func TestAnswersMadeFromANoteThatChangesAreDroppedOnEveryWorker(t *testing.T) {
	s := servicetest.Start(t, "MAX_REQUESTS=0")
	a, b := s.Pair()
	both := []*talk{connect(s, a), connect(s, b)}
	db := database(s)
	for _, user := range []string{"ann", "bob"} { // not through the workers, which would otherwise still have to announce it
		if _, err := db.CreateNote(t.Context(), study.Note{UserID: user, Title: "Quarks", Content: "A quark is what " + user + " likes."}); err != nil {
			t.Fatal(err)
		}
	}
	items := func() any {
		_, got := s.Ask("GET", "/api/admin/metrics", "")
		return got["cache"].(map[string]any)["items"]
	}
	for _, w := range both {
		for _, user := range []string{"ann", "bob"} {
			w.say("POST", "/api/ai/process", fmt.Sprintf(`{"type":"chat","user_id":%q,"message":"What is a quark?"}`, user))
		}
		w.say("POST", "/api/ai/process", `{"type":"chat","user_id":"ann","message":"hello"}`) // answered without notes
	}
	if n := items(); n != 6.0 {
		t.Fatalf("%v answers are cached", n)
	}
	both[0].say("POST", "/api/notes", `{"user_id":"ann","title":"More","content":"There is more."}`)
	s.Eventually("ann's answers are dropped, and no other", func() bool { return items() == 4.0 })
	for _, w := range both {
		if res, _ := w.say("POST", "/api/ai/process", `{"type":"chat","user_id":"bob","message":"What is a quark?"}`); res.Header.Get("X-Cache") != "HIT" {
			t.Error("bob's answer was dropped too")
		}
	}
}

func TestAWorkerThatLeavesStillTellsWhoseNotesHaveChanged(t *testing.T) {
	s := servicetest.Start(t, "MAX_REQUESTS=0")
	stays, leaves := s.Pair()
	w := connect(s, stays)
	if _, err := database(s).CreateNote(t.Context(), study.Note{UserID: "ann", Title: "Quarks", Content: "A quark is a particle."}); err != nil {
		t.Fatal(err)
	}
	w.say("POST", "/api/ai/process", `{"type":"chat","user_id":"ann","message":"What is a quark?"}`)
	other := connect(s, leaves)
	for _, user := range []string{"bob", "ann"} { // bob's change is announced at once, ann's after the debounce interval
		other.say("POST", "/api/notes", fmt.Sprintf(`{"user_id":%q,"title":"T","content":"More."}`, user))
	}
	if err := syscall.Kill(leaves, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.Eventually("ann's answer is dropped", func() bool {
		_, got := s.Ask("GET", "/api/admin/metrics", "")
		return got["cache"].(map[string]any)["items"] == 0.0
	})
	if strings.Contains(s.Log.String(), "are not dropped") {
		t.Errorf("it could not tell:\n%s", s.Log)
	}
}

// TestWhatAWorkerHasReadIsReadAgainWhenAnotherDies changes a note from outside without an
// announcement, as if a worker died before it announced the change.
func TestWhatAWorkerHasReadIsReadAgainWhenAnotherDies(t *testing.T) {
	s := servicetest.Start(t, "MAX_REQUESTS=0")
	stays, dies := s.Pair()
	w := connect(s, stays)
	_, note := w.say("POST", "/api/notes", `{"user_id":"ann","title":"Quarks","content":"A quark is particle0."}`)
	says := func(word string) bool {
		_, got := w.say("POST", "/api/ai/process", `{"type":"chat","user_id":"ann","message":"What is a quark?"}`)
		return strings.Contains(fmt.Sprint(got["result"]), word)
	}
	tries := 0
	s.Eventually("what was read is cached", func() bool { // the announcement of the note itself may arrive after the first answer
		if tries++; !says("particle") {
			t.Fatal("the note is not in the answer")
		}
		content := fmt.Sprintf("A quark is particle%d.", tries)
		if _, err := database(s).UpdateNote(t.Context(), "ann", note["id"].(string), study.NoteChange{Content: &content}); err != nil {
			t.Fatal(err)
		}
		return !says(fmt.Sprintf("particle%d.", tries))
	})
	s.Kill(dies)
	s.Eventually("the new note is in the answer", func() bool { return says(fmt.Sprintf("particle%d.", tries)) })
}

// gated is an upstream whose answers wait for the gate.
func gated(t *testing.T) (url string, calls, left *atomic.Int64, open func()) {
	t.Helper()
	fake, gate := fakellm.New(fakellm.Options{}), make(chan struct{})
	calls, left = &atomic.Int64{}, &atomic.Int64{}
	url = testkit.HTTPServer(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		select {
		case <-gate:
			fake.ServeHTTP(w, r)
		case <-r.Context().Done():
			left.Add(1)
		}
	})
	return url + "/v1", calls, left, sync.OnceFunc(func() { close(gate) })
}

func activeRuns(s *servicetest.Service, n float64) {
	s.T.Helper()
	s.Eventually(fmt.Sprintf("%v runs go on", n), func() bool {
		_, got := s.Ask("GET", "/api/admin/metrics", "")
		return got["runs"].(map[string]any)["active"] == n
	})
}

func TestAHundredEqualRequestsAtOnceAreOneCallAndOutliveTheFirst(t *testing.T) {
	const crowd = 100
	url, calls, left, open := gated(t)
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+url, "WEB_CONCURRENCY=1", "MAX_CONCURRENT_RUNS=200", "MAX_REQUESTS=0")
	defer open()
	const question = `{"type":"chat","user_id":"student","message":"What is a quark?"}`
	leader := connect(s, 0)
	leader.send("POST", "/api/ai/process", question)
	s.Eventually("the model is asked", func() bool { return calls.Load() == 1 })
	followers := make([]*talk, crowd)
	for i := range followers {
		followers[i] = connect(s, 0)
		followers[i].send("POST", "/api/ai/process", question)
	}
	activeRuns(s, crowd+1)
	_ = leader.conn.Close()
	activeRuns(s, crowd)
	open()
	for i, f := range followers {
		res, err := http.ReadResponse(f.reader, nil)
		if err != nil {
			t.Fatalf("request %d: %v\n%s", i, err, s.Log)
		}
		text, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != 200 || res.Header.Get("X-Cache") != "" || !strings.Contains(string(text), `"status":"success"`) {
			t.Errorf("request %d: %v, %d, X-Cache %q, %s", i, err, res.StatusCode, res.Header.Get("X-Cache"), text)
		}
	}
	if calls.Load() != 1 || left.Load() != 0 {
		t.Errorf("%d upstream calls, %d broken off", calls.Load(), left.Load())
	}
}

func TestAHitSaysSoAndNoCacheAsksAnew(t *testing.T) {
	url, calls, _, open := gated(t)
	open()
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+url, "WEB_CONCURRENCY=1")
	w := connect(s, 0)
	const question = `{"type":"chat","user_id":"student","message":"What is a quark?"}`
	for i, c := range []struct {
		header string
		hit    string
		calls  int64
	}{
		{"Accept: */*", "", 1}, {"Accept: */*", "HIT", 1}, {"Cache-Control: no-cache", "", 2},
		{"cache-control: Max-Age=0, No-Cache", "", 3}, {"Accept: */*", "HIT", 3},
	} {
		res, got := w.say("POST", "/api/ai/process", question, c.header)
		if res.StatusCode != 200 || res.Header.Get("X-Cache") != c.hit || (res.Header.Get("Age") != "") != (c.hit != "") || calls.Load() != c.calls {
			t.Errorf("request %d: %d, X-Cache %q, Age %q, %d calls: %v", i+1, res.StatusCode, res.Header.Get("X-Cache"), res.Header.Get("Age"), calls.Load(), got)
		}
	}
	_, begun := w.say("POST", "/api/ai/process-stream", question)
	events := s.Watch(begun["stream_url"].(string))
	last := events[len(events)-1]
	if age, told := last["cache_age_seconds"].(float64); last["type"] != "complete" || last["from_cache"] != true || !told || age < 0 || calls.Load() != 3 {
		t.Errorf("%d calls; a streamed hit says %v", calls.Load(), last)
	}
}
