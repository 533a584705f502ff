package workers_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
	"studysharper/loadtest/fakellm"
)

// echo is an upstream that answers a chat with its material, line by line in quotation marks, and makes flashcards from
// it. While it is held, calls wait.
type echo struct {
	*fakellm.Server
	mu   sync.Mutex
	gate chan struct{}
}

func (e *echo) hold() (open func()) {
	gate := make(chan struct{})
	e.mu.Lock()
	e.gate = gate
	e.mu.Unlock()
	return sync.OnceFunc(func() { close(gate) })
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	gate := e.gate
	e.mu.Unlock()
	select {
	case <-gate:
	case <-r.Context().Done():
	}
	e.Server.ServeHTTP(w, r)
}

func newEcho() *echo {
	e := &echo{Server: fakellm.New(fakellm.Options{Answer: func(r fakellm.Request) string {
		if r.JSON() {
			return fakellm.StudyAnswer(r)
		}
		_, material, _ := strings.Cut(r.LastUser(), "<<<MATERIAL ")
		material, _, _ = strings.Cut(material, "MATERIAL ")
		var said strings.Builder
		for line := range strings.Lines(material) {
			fmt.Fprintf(&said, "\"%s\"\n", strings.TrimSpace(line))
		}
		return said.String()
	}})}
	e.hold()()
	return e
}

// noteOwner is a user with two connections, whose notes contain a word that only they may read.
type noteOwner struct {
	name, word string
	note       string // the id of the note with the word
	copied     string // the id of the note with the same title and text as the other user's
	header     string
	talks      []*talk
}

var uuids = regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// leaks searches the answers to a user for other users' data.
type leaks struct {
	*testing.T
	words map[string]*noteOwner // each may be read by only one user
	ids   map[string]*noteOwner // the user who got each id first
	tries int
}

func (l *leaks) check(u *noteOwner, question, answer string) {
	l.Helper()
	found := map[string]*noteOwner{}
	for _, id := range uuids.FindAllString(answer, -1) {
		if l.ids[id] == nil {
			l.ids[id] = u
		}
		found[id] = l.ids[id]
	}
	for word, owner := range l.words {
		if strings.Contains(answer, word) {
			found[word] = owner
		}
	}
	for mark, owner := range found {
		if owner != u {
			l.Errorf("try %d, %s: %s of %s is in the answer to %s: %s", l.tries, question, mark, owner.name, u.name, answer)
		}
	}
}

func (l *leaks) enrol(s *servicetest.Service, name, word string) *noteOwner {
	l.Helper()
	status, account := s.Ask("POST", "/api/account", "")
	if status != 201 {
		l.Fatal(status, account)
	}
	u := &noteOwner{name: name, word: word, header: "Authorization: Bearer " + account["study_code"].(string), talks: []*talk{connect(s, 0), connect(s, 0)}}
	write := func(title, content string) string {
		res, note := u.talks[0].say("POST", "/api/notes", fmt.Sprintf(`{"title":%q,"content":%q}`, title, content), u.header)
		if res.StatusCode != 201 {
			l.Fatal(res.Status, note)
		}
		return note["id"].(string)
	}
	u.note = write("Quarks as "+word+" sees them", "A quark is what is called "+word+" here.\nIts charge is two thirds in "+word+".")
	u.copied = write("Leptons", "A lepton is a particle without a strong charge.\nThe electron is a lepton of the first family.")
	l.words[word] = u
	for _, id := range []string{u.note, u.copied, account["user_id"].(string)} {
		l.ids[id] = u
	}
	return u
}

// question is a question that both users ask at the same moment, on both of their connections.
type question struct {
	name string
	body func(u *noteOwner, round int) string
	made bool                      // the model answers it in each round: the answer is in no cache when the round begins
	own  func(u *noteOwner) string // what the answer must contain
}

func chat(message string) string { return fmt.Sprintf(`{"type":"chat","message":%q}`, message) }

var questions = []question{
	{"a question that comes back", func(*noteOwner, int) string { return chat("What is a quark?") }, false, func(u *noteOwner) string { return u.word }},
	{"a new one about what was searched before", func(_ *noteOwner, round int) string { return chat("What is a quark" + strings.Repeat("?", 2+round)) }, true,
		func(u *noteOwner) string { return u.word }},
	{"one about notes that are equal", func(_ *noteOwner, round int) string { return chat("What is a lepton" + strings.Repeat("?", 1+round)) }, true, func(u *noteOwner) string { return u.copied }},
	{"the same with other spaces, about notes that are equal", func(_ *noteOwner, round int) string {
		return chat("What  is" + strings.Repeat(" ", 1+round%7) + "a lepton?")
	}, false, func(u *noteOwner) string { return u.copied }},
	{"notes that are named", func(u *noteOwner, round int) string {
		return fmt.Sprintf(`{"type":"flashcard_generation","message":"cards, round %d","options":{"count":2},"explicit_note_ids":[%q]}`, round/2, u.note)
	}, false, func(u *noteOwner) string { return u.word }},
	{"a text that both give", func(*noteOwner, int) string {
		return `{"type":"flashcard_generation","message":"cards","options":{"count":2,"content":"The mass of a muon is large. The life of a muon is very short. A muon has a negative charge."}}`
	}, false, func(*noteOwner) string { return "muon" }},
}

// askAtOnce sends a question four times concurrently and returns how many of the answers were not cached.
func (l *leaks) askAtOnce(e *echo, q question, round int, users ...*noteOwner) (made int) {
	l.Helper()
	open := func() {}
	if q.made {
		open = e.hold()
		defer open()
	}
	s := users[0].talks[0].Service
	for i := range users[0].talks {
		for _, u := range users {
			u.talks[i].send("POST", "/api/ai/process", q.body(u, round), u.header)
		}
	}
	if q.made {
		activeRuns(s, 4)
		open()
	}
	for i := range users[0].talks {
		for _, u := range users {
			l.tries++
			status, hit, answer := u.talks[i].hear()
			l.check(u, q.name, answer)
			if !hit {
				made++
			}
			if status != 200 || !strings.Contains(answer, q.own(u)) { // a run that was admitted may query the cache when the answer is there
				l.Fatalf("%s, %s: %d, a hit: %v, %s", q.name, u.name, status, hit, answer)
			}
		}
	}
	return made
}

// hear reads a complete answer, including its headers.
func (c *talk) hear() (status int, hit bool, answer string) {
	c.T.Helper()
	res, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		c.T.Fatalf("%v\n%s", err, c.Log)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(bufio.NewReader(res.Body))
	if err != nil {
		c.T.Fatal(err)
	}
	head, err := json.Marshal(res.Header)
	if err != nil {
		c.T.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("X-Cache") == "HIT", string(head) + string(text)
}

// TestNothingOfAUserIsInAThousandAnswersToAnother makes two users ask one worker the same question at the same moment,
// twice each: through the answer cache, through shared model calls, and through cached parts of contexts.
func TestNothingOfAUserIsInAThousandAnswersToAnother(t *testing.T) {
	const rounds = 252 // of four answers
	e := newEcho()
	s := servicetest.Start(t, "AUTH_MODE=account", "LLM_API_KEY=k", "LLM_BASE_URL="+testkit.HTTPServer(t, e.ServeHTTP)+"/v1", "WEB_CONCURRENCY=1", "MAX_REQUESTS=0")
	l := &leaks{T: t, words: map[string]*noteOwner{}, ids: map[string]*noteOwner{}}
	ann, bob := l.enrol(s, "ann", "zirconium"), l.enrol(s, "bob", "palladium")
	made, newOnes := 0, 0
	for round := range rounds {
		q := questions[round%len(questions)]
		users := []*noteOwner{ann, bob}
		if round/len(questions)%2 == 1 {
			users = []*noteOwner{bob, ann} // the order alternates
		}
		made += l.askAtOnce(e, q, round/len(questions), users...)
		if q.made {
			newOnes += 2 // one call for each user
		}
		if t.Failed() {
			return
		}
	}
	calls := e.Counts().Calls
	t.Logf("%d tries, %d of them not from the cache, %d calls of the model", l.tries, made, calls)
	if l.tries < 1000 || made > l.tries/2 || calls >= made || calls < newOnes {
		t.Errorf("%d tries, %d of them not from the cache, %d calls of the model, at least %d expected", l.tries, made, calls, newOnes)
	}
}
