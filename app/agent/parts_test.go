package agent

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/study"
)

// reading makes the bench's store note which of its parts are read.
func reading(b *bench) func() []string {
	var mu sync.Mutex
	read := make(map[string]bool)
	b.store.fail = func(method string) error {
		mu.Lock()
		defer mu.Unlock()
		read[method] = true
		return nil
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		for _, m := range []string{"AppendMessages", "SaveContent", "RecordExecution"} {
			delete(read, m)
		}
		return slices.Sorted(maps.Keys(read))
	}
}

func TestOnlyThePartsThatATypeUsesAreRead(t *testing.T) {
	bare := func(typ study.Type) study.Request {
		return study.Request{Type: typ, UserID: alice, SessionID: sessionID, Message: "mitosis"}
	}
	with := func(typ study.Type, o study.Options) study.Request {
		r := bare(typ)
		r.Options = o
		return r
	}
	for _, c := range []struct {
		name string
		req  study.Request
		want []string
	}{
		{"a chat", bare(study.Chat), []string{"Messages", "Preferences", "SearchNotes", "Session"}},
		{"a chat in a session of its own", study.Request{Type: study.Chat, UserID: alice, Message: "mitosis"}, []string{"Preferences", "SearchNotes"}},
		{"a chat about content", with(study.Chat, study.Options{Content: source}), []string{"Messages", "Preferences", "Session"}},
		{"a quiz", bare(study.Quiz), []string{"Preferences", "SearchNotes", "Session"}},
		{"a quiz of a difficulty", with(study.Quiz, study.Options{Difficulty: study.Hard, Content: source}), []string{"Session"}},
		{"a summary", with(study.Summary, study.Options{Content: source}), []string{"Preferences", "Session"}},
		{"a summary of a length", with(study.Summary, study.Options{Length: study.Long, Content: source}), []string{"Session"}},
		{"a plan", with(study.Plan, study.Options{Content: source}), []string{"ContentStats", "Session"}},
		{"an analysis", with(study.Analysis, study.Options{Content: source}), []string{"ContentStats", "Preferences", "Session"}},
	} {
		b := newBench(says(goodAnswer(c.req.Type)), Options{Deterministic: true})
		b.store.sessions[sessionID] = study.Session{ID: sessionID, UserID: alice}
		read := reading(b)
		if _, err := b.Run(t.Context(), c.req, nil); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := read(); !slices.Equal(got, c.want) {
			t.Errorf("%s: read %q, want %q", c.name, got, c.want)
		}
	}
}

func TestPreferencesFillWhatTheRequestLeavesOpen(t *testing.T) {
	for _, c := range []struct {
		name   string
		req    study.Request
		likes  study.Preferences
		level  string
		length string
		detail string
		wish   string
	}{
		{"difficulty", asking(study.Quiz), study.Preferences{Difficulty: study.Hard}, study.Hard, "", "", "difficulty: hard"},
		{"none", asking(study.Quiz), study.Preferences{}, study.Medium, "", "", "difficulty: medium"},
		{"length", asking(study.Summary), study.Preferences{Detail: study.Short}, "", study.Short, "", "length: short"},
		{"a brief chat", asking(study.Chat), study.Preferences{Detail: study.Short}, "", "", study.Short, "answer briefly"},
		{"a long analysis", asking(study.Analysis), study.Preferences{Detail: study.Long}, "", "", study.Long, "answer at length"},
		{"the middle is as usual", asking(study.Chat), study.Preferences{Detail: study.Medium}, "", "", "", ""},
		{"no word of ours", asking(study.Chat), study.Preferences{Detail: "SHOUT"}, "", "", "", ""},
	} {
		b := newBench(says(goodAnswer(c.req.Type)), Options{Deterministic: true})
		b.store.preferences = map[string]study.Preferences{alice: c.likes}
		brief, _ := briefOf(t, b, c.req)
		if brief.Options.Difficulty != c.level || brief.Options.Length != c.length || brief.Detail != c.detail {
			t.Errorf("%s: got %+v, %q", c.name, brief.Options, brief.Detail)
		}
		turns := b.model.prompts[0].Turns
		if user := turns[len(turns)-1].Text; !strings.Contains(user, c.wish) || strings.Contains(user, "SHOUT") {
			t.Errorf("%s: the prompt does not say %q: %s", c.name, c.wish, user)
		}
	}
}

func TestProgressIsToldInWordsThatManyShare(t *testing.T) {
	stats := map[study.Type]int{study.Flashcards: manyThreshold, study.Quiz: manyThreshold - 1, study.Exam: 0, study.Summary: 1}
	for _, typ := range []study.Type{study.Plan, study.Analysis, study.Chat} {
		b := newBench(says(goodAnswer(typ)), Options{Deterministic: true})
		b.store.stats = stats
		brief, _ := briefOf(t, b, asking(typ))
		var want []string
		if typ != study.Chat {
			want = []string{"many flashcards", "a few quizzes", "a few summaries"}
		}
		turns := b.model.prompts[0].Turns
		if told := strings.Contains(turns[len(turns)-1].Text, "many flashcards, a few quizzes"); !slices.Equal(brief.Progress, want) || told != (want != nil) {
			t.Errorf("%s: got %q, told %v", typ, brief.Progress, told)
		}
	}
}

func TestStudentsWithoutWishesShareAnAnswerAndOthersDoNot(t *testing.T) {
	b := newBench(says(goodAnswer(study.Chat)), Options{})
	b.store.preferences = map[string]study.Preferences{"brief": {Detail: study.Short}, "usual": {Detail: study.Medium, Difficulty: study.Hard}}
	for _, c := range []struct {
		user   string
		shared bool
	}{{alice, false}, {"usual", true}, {"brief", false}, {"brief", true}} {
		req := asking(study.Chat)
		req.UserID, req.SessionID = c.user, ""
		out, err := b.Run(t.Context(), req, nil)
		if err != nil || out.FromCache != c.shared {
			t.Errorf("%s: %v, from the cache: %v", c.user, err, out.FromCache)
		}
	}
}

// partWarnings tell the student which part of the context is missing.
var partWarnings = map[string]string{
	"Session":      "the conversation so far could not be read",
	"Messages":     "the conversation so far could not be read",
	"SearchNotes":  "your notes could not be searched",
	"Preferences":  "your preferences could not be read",
	"ContentStats": "your progress so far could not be read",
}

func TestAPartThatFailsHangsOrPanicsCostsAWarningOnly(t *testing.T) {
	for _, how := range []string{"fails", "panics", "hangs until its time is over", "hangs for ever"} {
		for method, warning := range partWarnings {
			t.Run(method+" "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					req := study.Request{Type: study.Chat, UserID: alice, SessionID: sessionID, Message: "What is osmosis?"}
					if method == "ContentStats" {
						req = asking(study.Plan)
					}
					b := newBench(says(goodAnswer(req.Type)), Options{GatherTimeout: 3 * time.Second})
					b.store.sessions[sessionID] = study.Session{ID: sessionID, UserID: alice}
					over := make(chan struct{})
					b.store.fail = func(m string) error {
						if m != method {
							return nil
						}
						return spoilt(how, over)
					}
					began := time.Now()
					out, err := b.Run(t.Context(), req, nil)
					if err != nil || !slices.Equal(out.Result.Warnings, []string{warning}) {
						t.Errorf("%v, warnings %q", err, out.Result.Warnings)
					}
					if took := time.Since(began); strings.HasPrefix(how, "hangs") != (took == 3*time.Second) {
						t.Errorf("it took %s", took)
					}
					if log := b.log.String(); strings.Contains(log, "SECRET") || !strings.Contains(log, "context part missing") {
						t.Errorf("log %s", log)
					}
					close(over)
				})
			})
		}
	}
}

// spoilt is what becomes of a call that goes wrong in a way.
func spoilt(how string, over <-chan struct{}) error {
	switch how {
	case "fails":
		return study.Errorf(study.CodeUnavailable, "locked")
	case "panics":
		panic("SECRET")
	case "hangs for ever":
		<-over
	default:
		time.Sleep(3 * time.Second)
	}
	return study.Errorf(study.CodeTimeout, "late")
}

func TestAllPartsHangTogetherNotOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(says(goodAnswer(study.Chat)), Options{GatherTimeout: 3 * time.Second})
		b.store.fail = func(m string) error {
			if partWarnings[m] != "" {
				time.Sleep(time.Hour)
			}
			return nil
		}
		began := time.Now()
		out, err := b.Run(t.Context(), study.Request{Type: study.Chat, UserID: alice, SessionID: sessionID, Message: "What is osmosis?"}, nil)
		if err != nil || len(out.Result.Warnings) != 3 || time.Since(began) != 3*time.Second {
			t.Errorf("%v, %q, after %s", err, out.Result.Warnings, time.Since(began))
		}
		time.Sleep(2 * time.Hour) // the parts end
	})
}

func TestNotesNamedOutrightThatHangFailTheRequestInTheirTime(t *testing.T) {
	for _, how := range []string{"panics", "hangs for ever"} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(says("never"), Options{GatherTimeout: 3 * time.Second})
			over := make(chan struct{})
			defer close(over)
			b.store.fail = func(m string) error {
				if m == "NotesByID" {
					return spoilt(how, over)
				}
				return nil
			}
			req := asking(study.Quiz)
			req.NoteIDs = []string{noteID}
			_, err := b.Run(t.Context(), req, nil)
			failsWith(t, err, study.CodeUnavailable, "SECRET")
		})
	}
}

func TestAChatWithoutContextWorksWhileTheDatabaseIsDown(t *testing.T) {
	b := newBench(says("Osmosis is diffusion."), Options{})
	b.store.fail = func(m string) error {
		if m == "RecordExecution" {
			return nil
		}
		return study.Errorf(study.CodeUnavailable, "the database is away")
	}
	req := study.Request{Type: study.Chat, UserID: alice, SessionID: sessionID, Message: "What is osmosis?"}
	var w watched
	out, err := b.Run(context.WithoutCancel(t.Context()), req, w.emit)
	if err != nil || out.Result.Data.(*study.Reply).Response != "Osmosis is diffusion." || !out.Result.Saved.Failed {
		t.Fatalf("%v, %+v", err, out)
	}
	want := []string{partWarnings["Session"], partWarnings["SearchNotes"], partWarnings["Preferences"], "not saved: the answer could not be kept"}
	if !slices.Equal(out.Result.Warnings, want) {
		t.Errorf("warnings %q, want %q", out.Result.Warnings, want)
	}
	checkSteps(t, w.progress(t))
}

func TestPartsOfARunThatHasEndedAreNotMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(says(goodAnswer(study.Chat)), Options{GatherTimeout: 3 * time.Second})
		ctx, leave := context.WithCancel(t.Context())
		b.store.fail = func(m string) error {
			if partWarnings[m] == "" {
				return nil
			}
			time.Sleep(time.Second)
			leave()
			return context.Canceled
		}
		_, err := b.Run(ctx, study.Request{Type: study.Chat, UserID: alice, SessionID: sessionID, Message: "What is osmosis?"}, nil)
		if log := b.log.String(); err == nil || strings.Contains(log, "context part missing") {
			t.Errorf("%v, log %s", err, log)
		}
	})
}
