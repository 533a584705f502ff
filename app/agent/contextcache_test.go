package agent

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/agent/agenttest"
	"studysharper/app/study"
)

// numbers are Versions that the test changes. All users share them.
type numbers struct {
	mu     sync.Mutex
	at     map[string]uint64
	unsure bool
}

func (n *numbers) Version(_, kept string) (uint64, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.at[kept], !n.unsure
}

func (n *numbers) move(kept string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.at[kept]++
}

func (n *numbers) trust(sure bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.unsure = !sure
}

// remembering returns a bench that caches parts of contexts.
func remembering(m *agenttest.Model, o Options) (*bench, *numbers) {
	b, n := newBench(m, o), &numbers{at: make(map[string]uint64)}
	b.deps.Parts, b.deps.Versions = &agenttest.Cache{Entries: make(map[string][]byte)}, n
	return b, n
}

// reader returns the context reader of a request, after its classification.
func (b *bench) reader(req study.Request) *contextReader {
	r := &run{req: req, fromChat: req.Type == study.Chat}
	r.classify()
	return &contextReader{b.deps, b.options, "run", r.req, r.fromChat}
}

// parts returns the bench's cache of parts.
func (b *bench) parts() *agenttest.Cache { return b.deps.Parts.(*agenttest.Cache) }

// readBy runs a request and returns the parts that were read for it.
func readBy(t *testing.T, b *bench, req study.Request) []string {
	t.Helper()
	read := reading(b)
	if _, err := b.Run(t.Context(), req, nil); err != nil {
		t.Fatal(err)
	}
	return read()
}

func chatAbout(what string) study.Request {
	return study.Request{Type: study.Chat, UserID: agenttest.Alice, Message: what}
}

func TestPartsThatHaveNotChangedAreNotReadAgain(t *testing.T) {
	named := chatAbout("What is mitosis?")
	named.NoteIDs = []string{noteID}
	for _, c := range []struct {
		name  string
		req   study.Request
		first []string
		kept  map[string][]string // the parts that are read again when the resource has changed
	}{
		{"a chat", chatAbout("What is mitosis?"), []string{"Preferences", "SearchPassages"},
			map[string][]string{ResourceNotes: {"SearchPassages"}, ResourcePreferences: {"Preferences"}, ResourceAids: nil}},
		{"notes named outright", named, []string{"Preferences", "SearchPassages"},
			map[string][]string{ResourceNotes: {"SearchPassages"}, ResourcePreferences: {"Preferences"}, ResourceAids: nil}},
		{"an analysis", study.Request{Type: study.Analysis, UserID: agenttest.Alice, Message: "mitosis"}, []string{"ContentStats", "Preferences", "SearchNotes", "WeakTopics"},
			map[string][]string{ResourceNotes: {"SearchNotes"}, ResourcePreferences: {"Preferences"}, ResourceAids: {"ContentStats"}, ResourceAttempts: {"WeakTopics"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, n := remembering(agenttest.Says(agenttest.GoodAnswer(c.req.Type)), Options{Deterministic: true})
			b.Store.Notes = []study.Note{note(noteID, "Cells", "All of mitosis.")}
			if got := readBy(t, b, c.req); !slices.Equal(got, c.first) {
				t.Errorf("at first %q is read, want %q", got, c.first)
			}
			for kept, want := range c.kept {
				if got := readBy(t, b, c.req); got != nil {
					t.Errorf("again: %q is read", got)
				}
				n.move(kept)
				if got := readBy(t, b, c.req); !slices.Equal(got, want) {
					t.Errorf("after a change of the %s %q is read, want %q", kept, got, want)
				}
			}
		})
	}
}

func TestACachedPartIsTheSameAsOneThatIsRead(t *testing.T) {
	likes := study.Preferences{UserID: agenttest.Alice, Difficulty: study.Hard, Detail: study.Long}
	for _, typ := range study.Types() {
		for _, content := range []string{"", "Prophase comes first."} {
			b, _ := remembering(agenttest.Says(agenttest.GoodAnswer(typ)), Options{Deterministic: true, MaterialRunes: 60})
			b.Store.Notes = []study.Note{note("a", "Cells", "All of mitosis."), note("b", "Mitosis", strings.Repeat("é mitosis. ", 20)), note("c", "Never shown", "mitosis")}
			b.Store.Wishes = map[string]study.Preferences{agenttest.Alice: likes}
			b.Store.Stats = map[study.Type]int{study.Quiz: manyThreshold, study.Exam: 1}
			req := study.Request{Type: typ, UserID: agenttest.Alice, Message: "mitosis", Options: study.Options{Content: content}}
			if content != "" {
				req.NoteIDs = []string{"b", "a"}
			}
			var briefs []study.Brief
			var warnings [][]string
			for range 2 {
				known, err := b.reader(req).fetch(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				briefs, warnings = append(briefs, known.brief), append(warnings, known.warnings)
			}
			if agenttest.JSON(briefs[0]) != agenttest.JSON(briefs[1]) || !slices.Equal(warnings[0], warnings[1]) || len(warnings[0]) > 0 || b.parts().Gets < 3 {
				t.Errorf("%s: %+v, %q, then %+v, %q", typ, briefs[0], warnings[0], briefs[1], warnings[1])
			}
		}
	}
}

func TestPartsAreTheirStudentsAndTheirQuestions(t *testing.T) {
	b, _ := remembering(agenttest.Says("Mitosis."), Options{})
	b.Store.Notes = []study.Note{note(noteID, "Cells", "All of mitosis."), {ID: "y", UserID: "bob", Title: "B", Content: "Bob's mitosis."}}
	with := func(change func(*study.Request)) study.Request {
		r := chatAbout("What is mitosis?")
		change(&r)
		return r
	}
	seen := make(map[string]string)
	for _, c := range []struct {
		name     string
		req      study.Request
		material string
	}{
		{"alice", chatAbout("What is mitosis?"), "# Cells\n\nAll of mitosis."},
		{"bob, whose numbers are the same", with(func(r *study.Request) { r.UserID = "bob" }), "# B\n\nBob's mitosis."},
		{"another question", chatAbout("What is osmosis?"), ""},
		{"by name", with(func(r *study.Request) { r.NoteIDs = []string{noteID} }), "# Cells\n\nAll of mitosis."},
	} {
		for _, again := range []string{"", " again"} {
			r := b.reader(c.req)
			known, err := r.fetch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if known.brief.Material != c.material {
				t.Errorf("%s%s: %q", c.name, again, known.brief.Material)
			}
			key := r.partKey(r.notesPart(t.Context()))
			if other, taken := seen[key]; again == "" && taken {
				t.Errorf("%s and %s share a key", c.name, other)
			}
			if seen[key] = c.name; !strings.Contains(key, UserTag(c.req.UserID)) || strings.Contains(key, c.req.UserID) {
				t.Errorf("the key is %s", key)
			}
		}
	}
}

func TestNoCacheReadsEveryPartAnewAndKeepsIt(t *testing.T) {
	b, n := remembering(agenttest.Says("Mitosis."), Options{})
	req := chatAbout("What is mitosis?")
	all := []string{"Preferences", "SearchNotes", "SearchPassages"}
	readBy(t, b, req)
	req.NoCache = true
	gets := b.parts().Gets
	if got := readBy(t, b, req); !slices.Equal(got, all) || b.parts().Gets != gets {
		t.Errorf("%q is read, and the cache %d times", got, b.parts().Gets-gets)
	}
	n.move(ResourceNotes)
	readBy(t, b, req)
	req.NoCache = false
	if got := readBy(t, b, req); got != nil {
		t.Errorf("parts read with no-cache are not cached: %q", got)
	}
}

func TestTheNotesOfAUserWithoutAnyAreNotSearchedUntilTheyChange(t *testing.T) {
	b, n := remembering(agenttest.Says("Mitosis."), Options{})
	readBy(t, b, chatAbout("What is mitosis?"))
	if got := readBy(t, b, chatAbout("What is osmosis?")); got != nil {
		t.Errorf("%q is read", got)
	}
	n.move(ResourceNotes)
	if got := readBy(t, b, chatAbout("What is osmosis?")); !slices.Equal(got, []string{"SearchNotes", "SearchPassages"}) {
		t.Errorf("%q is read after a change", got)
	}
}

func TestPartsAreReadEachTimeWhileChangesGoUnheard(t *testing.T) {
	b, n := remembering(agenttest.Says("Mitosis."), Options{})
	all := []string{"Preferences", "SearchNotes", "SearchPassages"}
	readBy(t, b, chatAbout("What is mitosis?"))
	n.trust(false)
	for range 2 {
		if got := readBy(t, b, chatAbout("What is mitosis?")); !slices.Equal(got, all) {
			t.Errorf("%q is read", got)
		}
	}
	if readBy(t, b, chatAbout("What is osmosis?")); len(b.parts().Keys()) != 3 { // the passages, the absence of notes, and the preferences
		t.Errorf("cached meanwhile: %q", b.parts().Keys())
	}
	n.trust(true)
	if got := readBy(t, b, chatAbout("What is mitosis?")); got != nil {
		t.Errorf("afterwards %q is read", got)
	}
}

func TestAPartThatCannotBeReadIsNotKept(t *testing.T) {
	for _, how := range []string{"fails", "panics", "hangs for ever"} {
		synctest.Test(t, func(t *testing.T) {
			b, _ := remembering(agenttest.Says("Mitosis."), Options{GatherTimeout: 3 * time.Second})
			end := make(chan struct{})
			b.Store.Fail = func(m string) error {
				if m == "SearchPassages" || m == "Preferences" {
					return spoilt(how, end)
				}
				return nil
			}
			out, err := b.Run(t.Context(), chatAbout("What is mitosis?"), nil)
			if err != nil || len(out.Result.Warnings) != 2 {
				t.Errorf("%s: %v, warnings %q", how, err, out.Result.Warnings)
			}
			close(end)
			synctest.Wait()
			if keys := b.parts().Keys(); len(keys) != 0 {
				t.Errorf("%s: cached %q", how, keys)
			}
		})
	}
}

func TestAPartThatComesAfterItsChangeIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, n := remembering(agenttest.Says("Mitosis."), Options{GatherTimeout: 3 * time.Second})
		b.Store.Notes = []study.Note{note(noteID, "Cells", "Old mitosis.")}
		slow := true
		b.Store.Fail = func(m string) error {
			if m == "SearchPassages" && slow {
				slow = false
				old := b.Store.Notes
				time.Sleep(time.Hour) // and returns the notes as they were an hour ago
				b.Store.Notes = old
			}
			return nil
		}
		req := chatAbout("What is mitosis?")
		req.NoteIDs = []string{noteID}
		_, err := b.Run(t.Context(), req, nil)
		agenttest.FailsWith(t, err, study.CodeUnavailable)
		n.move(ResourceNotes)
		time.Sleep(2 * time.Hour)
		if len(b.parts().Keys()) != 2 { // notes and preferences
			t.Fatalf("cached %q", b.parts().Keys())
		}
		b.Store.Notes = []study.Note{note(noteID, "Cells", "New mitosis.")}
		brief, _ := briefOf(t, b, req)
		if brief.Material != "# Cells\n\nNew mitosis." {
			t.Errorf("material %q", brief.Material)
		}
	})
}

func TestACachedPartNeedsNoGoroutine(t *testing.T) {
	b, _ := remembering(agenttest.Says("Mitosis."), Options{})
	b.Store.Notes = []study.Note{note(noteID, "Cells", "All of mitosis.")}
	readBy(t, b, chatAbout("What is mitosis?"))
	r := b.reader(chatAbout("What is mitosis?"))
	for _, m := range []cachedPart{r.notesPart(t.Context()), r.preferencesPart()} {
		if p := r.readCached(t.Context(), m); !m.needed || p.done != closedChannel {
			t.Errorf("the %s are being read", m.resource)
		}
	}
}

func TestAnswersMadeFromNotesCanBeDroppedByTheirStudent(t *testing.T) {
	b, _ := remembering(agenttest.Says("Mitosis."), Options{})
	b.Store.Notes = []study.Note{note(noteID, "Cells", "All of mitosis."), {ID: "y", UserID: "bob", Content: "Bob's mitosis."}}
	bobs := chatAbout("What is mitosis?")
	bobs.UserID = "bob"
	for _, req := range []study.Request{chatAbout("What is mitosis?"), bobs, chatAbout("What is osmosis?"), agenttest.Asking(study.Chat)} {
		if _, err := b.Run(t.Context(), req, nil); err != nil {
			t.Fatal(err)
		}
	}
	count := func(pattern string) (n int) {
		for _, key := range b.Cache.Keys() {
			if strings.Contains(key, pattern) {
				n++
			}
		}
		return n
	}
	if all, marked, alices, bobs := count("answer/chat/"), count(UserTagPrefix), count(UserTag(agenttest.Alice)), count(UserTag("bob")); all != 4 || marked != 3 || alices != 2 || bobs != 1 {
		t.Errorf("of %d answers %d are marked, %d alice's, %d bob's: %q", all, marked, alices, bobs, b.Cache.Keys())
	}
	if mark := UserTag(agenttest.Alice); strings.Contains(mark, agenttest.Alice) || len(mark) != len("/~0123456789abcdef/") {
		t.Errorf("the mark is %s", mark)
	}
}

func TestAnAnswerMadeFromNotesThatChangedMeanwhileIsNotKept(t *testing.T) {
	for _, c := range []struct {
		kept string
		req  study.Request
		want int
	}{
		{ResourceNotes, chatAbout("What is mitosis?"), 0},
		{ResourceAids, chatAbout("What is mitosis?"), 1},
		{ResourceNotes, agenttest.Asking(study.Chat), 1}, // made without notes
	} {
		b, n := remembering(nil, Options{})
		b.deps.Model = &agenttest.Model{Answer: func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) {
			n.move(c.kept)
			return study.Answer{Text: "Mitosis.", Model: "fake-1"}, nil
		}}
		b.Store.Notes = []study.Note{note(noteID, "Cells", "All of mitosis.")}
		if _, err := b.Run(t.Context(), c.req, nil); err != nil {
			t.Fatal(err)
		}
		if keys := b.Cache.Keys(); len(keys) != c.want {
			t.Errorf("a change of the %s: cached %q", c.kept, keys)
		}
	}
}

func TestTextsArePackedWithTheirRevision(t *testing.T) {
	long := strings.Repeat("é", 100_000)
	for _, texts := range [][]string{nil, {""}, {"", ""}, {"a"}, {"a", "", long, "b"}} {
		for _, number := range []uint64{0, 1, math.MaxUint64} {
			value := encodeTexts(number, texts)
			if got, ok := decodeTexts(value, number); !ok || !slices.Equal(got, texts) {
				t.Errorf("%d texts of %d: got %d, %v", len(texts), number, len(got), ok)
			}
			if _, ok := decodeTexts(value, number+1); ok {
				t.Error("an outdated part is used")
			}
			if len(texts) > 0 {
				if _, ok := decodeTexts(value[:len(value)-1], number); ok && texts[len(texts)-1] != "" {
					t.Error("a truncated part is used")
				}
			}
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(encodeTexts(0, []string{"a", "", "bc"}))
	f.Add([]byte(nil))
	f.Add(slices.Repeat([]byte{0xff}, 30))
	f.Fuzz(func(t *testing.T, value []byte) {
		texts, ok := decodeTexts(value, 0)
		if again, same := decodeTexts(encodeTexts(0, texts), 0); ok && (!same || !slices.Equal(again, texts)) {
			t.Errorf("%q became %q", texts, again)
		}
	})
}

// BenchmarkParts measures a chat with a note and preferences, whose answer is made each time.
func BenchmarkParts(b *testing.B) {
	for _, name := range []string{"read", "cached"} {
		b.Run(name, func(b *testing.B) {
			m := &agenttest.Model{Answer: func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) {
				return study.Answer{Text: "Mitosis.", Model: "fake-1"}, nil
			}}
			o, n := remembering(m, Options{})
			n.unsure = name == "read"
			o.deps.Cache = none{}
			o.Store.Notes = []study.Note{note(noteID, "Cells", "All of mitosis.")}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := o.Run(b.Context(), chatAbout("What is mitosis?"), &watched{}); err != nil {
					b.Fatal(err)
				}
				m.Prompts, o.Store.Searches, o.Store.Executions = nil, nil, nil
				clear(o.Store.Talks)
				clear(o.Store.Sessions)
			}
		})
	}
}

// none is a Cache that stores nothing.
type none struct{}

func (none) Get(context.Context, string) ([]byte, time.Duration, bool) { return nil, 0, false }
func (none) Set(context.Context, string, []byte)                       {}
