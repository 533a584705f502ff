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

	"studysharper/app/agent/agenttest"
	"studysharper/app/study"
)

// reading records which parts of the bench's store are read.
func reading(b *bench) func() []string {
	var mu sync.Mutex
	read := make(map[string]bool)
	b.Store.Fail = func(method string) error {
		mu.Lock()
		defer mu.Unlock()
		read[method] = true
		return nil
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		for _, m := range []string{"AppendMessages", "SaveContent", "KeepSessionSource", "RecordExecution"} {
			delete(read, m)
		}
		return slices.Sorted(maps.Keys(read))
	}
}

func TestOnlyThePartsThatATypeUsesAreRead(t *testing.T) {
	bare := func(typ study.Type) study.Request {
		return study.Request{Type: typ, UserID: agenttest.Alice, SessionID: agenttest.SessionID, Message: "mitosis"}
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
		{"a chat", bare(study.Chat), []string{"Messages", "Preferences", "SearchNotes", "SearchPassages", "Session"}},
		{"a chat in a session of its own", study.Request{Type: study.Chat, UserID: agenttest.Alice, Message: "mitosis"}, []string{"Preferences", "SearchNotes", "SearchPassages"}},
		{"a chat about content", with(study.Chat, study.Options{Content: agenttest.Source}), []string{"Messages", "Preferences", "Session"}},
		{"a quiz", bare(study.Quiz), []string{"Preferences", "SearchNotes", "Session", "WeakTopics"}},
		{"a quiz of a difficulty", with(study.Quiz, study.Options{Difficulty: study.Hard, Content: agenttest.Source}), []string{"Session", "WeakTopics"}},
		{"a quiz on a topic", with(study.Quiz, study.Options{Difficulty: study.Hard, Topic: "mitosis", Content: agenttest.Source}), []string{"Session"}},
		{"a summary", with(study.Summary, study.Options{Content: agenttest.Source}), []string{"Preferences", "Session"}},
		{"a summary of a length", with(study.Summary, study.Options{Length: study.Long, Content: agenttest.Source}), []string{"Session"}},
		{"a plan", with(study.Plan, study.Options{Content: agenttest.Source}), []string{"ContentStats", "Session", "WeakTopics"}},
		{"an analysis", with(study.Analysis, study.Options{Content: agenttest.Source}), []string{"ContentStats", "Preferences", "Session", "WeakTopics"}},
	} {
		b := newBench(agenttest.Says(agenttest.GoodAnswer(c.req.Type)), Options{Deterministic: true})
		b.Store.Sessions[agenttest.SessionID] = study.Session{ID: agenttest.SessionID, UserID: agenttest.Alice}
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
		{"difficulty", agenttest.Asking(study.Quiz), study.Preferences{Difficulty: study.Hard}, study.Hard, "", "", "difficulty: hard"},
		{"none", agenttest.Asking(study.Quiz), study.Preferences{}, study.Medium, "", "", "difficulty: medium"},
		{"length", agenttest.Asking(study.Summary), study.Preferences{Detail: study.Short}, "", study.Short, "", "length: short"},
		{"a brief chat", agenttest.Asking(study.Chat), study.Preferences{Detail: study.Short}, "", "", study.Short, "answer briefly"},
		{"a long analysis", agenttest.Asking(study.Analysis), study.Preferences{Detail: study.Long}, "", "", study.Long, "answer at length"},
		{"the middle is as usual", agenttest.Asking(study.Chat), study.Preferences{Detail: study.Medium}, "", "", "", ""},
		{"no word of ours", agenttest.Asking(study.Chat), study.Preferences{Detail: "SHOUT"}, "", "", "", ""},
	} {
		b := newBench(agenttest.Says(agenttest.GoodAnswer(c.req.Type)), Options{Deterministic: true})
		b.Store.Wishes = map[string]study.Preferences{agenttest.Alice: c.likes}
		brief, _ := briefOf(t, b, c.req)
		if brief.Options.Difficulty != c.level || brief.Options.Length != c.length || brief.Detail != c.detail {
			t.Errorf("%s: got %+v, %q", c.name, brief.Options, brief.Detail)
		}
		turns := b.Model.Prompts[0].Turns
		if user := turns[len(turns)-1].Text; !strings.Contains(user, c.wish) || strings.Contains(user, "SHOUT") {
			t.Errorf("%s: the prompt does not say %q: %s", c.name, c.wish, user)
		}
	}
}

func TestProgressIsToldInWordsThatManyShare(t *testing.T) {
	stats := map[study.Type]int{study.Flashcards: manyThreshold, study.Quiz: manyThreshold - 1, study.Exam: 0, study.Summary: 1}
	for _, typ := range []study.Type{study.Plan, study.Analysis, study.Chat} {
		b := newBench(agenttest.Says(agenttest.GoodAnswer(typ)), Options{Deterministic: true})
		b.Store.Stats = stats
		brief, _ := briefOf(t, b, agenttest.Asking(typ))
		var want []string
		if typ != study.Chat {
			want = []string{"many flashcards", "a few quizzes", "a few summaries"}
		}
		turns := b.Model.Prompts[0].Turns
		if told := strings.Contains(turns[len(turns)-1].Text, "many flashcards, a few quizzes"); !slices.Equal(brief.Progress, want) || told != (want != nil) {
			t.Errorf("%s: got %q, told %v", typ, brief.Progress, told)
		}
	}
}

func TestStudentsWithoutWishesShareAnAnswerAndOthersDoNot(t *testing.T) {
	b := newBench(agenttest.Says(agenttest.GoodAnswer(study.Chat)), Options{})
	b.Store.Wishes = map[string]study.Preferences{"brief": {Detail: study.Short}, "usual": {Detail: study.Medium, Difficulty: study.Hard}}
	for _, c := range []struct {
		user   string
		shared bool
	}{{agenttest.Alice, false}, {"usual", true}, {"brief", false}, {"brief", true}} {
		req := agenttest.Asking(study.Chat)
		req.UserID, req.SessionID = c.user, ""
		asked := len(b.Model.Prompts)
		if _, err := b.Run(t.Context(), req, nil); err != nil || (len(b.Model.Prompts) == asked) != c.shared {
			t.Errorf("%s: %v, calls of the model: %d", c.user, err, len(b.Model.Prompts)-asked)
		}
	}
}

// partWarnings tell the student which part of the context is missing.
var partWarnings = map[string]string{
	"Session":        "the conversation so far could not be read",
	"Messages":       "the conversation so far could not be read",
	"SearchPassages": "your notes could not be searched",
	"Preferences":    "your preferences could not be read",
	"ContentStats":   "your progress so far could not be read",
	"WeakTopics":     "your results so far could not be read",
}

func TestAPartThatFailsHangsOrPanicsCostsAWarningOnly(t *testing.T) {
	for _, how := range []string{"fails", "panics", "hangs until its time is over", "hangs for ever"} {
		for method, warning := range partWarnings {
			t.Run(method+" "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					req := study.Request{Type: study.Chat, UserID: agenttest.Alice, SessionID: agenttest.SessionID, Message: "What is osmosis?"}
					if method == "ContentStats" || method == "WeakTopics" {
						req = agenttest.Asking(study.Plan)
					}
					b := newBench(agenttest.Says(agenttest.GoodAnswer(req.Type)), Options{GatherTimeout: 3 * time.Second})
					b.Store.Sessions[agenttest.SessionID] = study.Session{ID: agenttest.SessionID, UserID: agenttest.Alice}
					over := make(chan struct{})
					b.Store.Fail = func(m string) error {
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
					if log := b.Log.String(); strings.Contains(log, "SECRET") || !strings.Contains(log, "context part missing") {
						t.Errorf("log %s", log)
					}
					close(over)
				})
			})
		}
	}
}

// spoilt returns the error of a call that fails in the given way.
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
		b := newBench(agenttest.Says(agenttest.GoodAnswer(study.Chat)), Options{GatherTimeout: 3 * time.Second})
		b.Store.Fail = func(m string) error {
			if partWarnings[m] != "" {
				time.Sleep(time.Hour)
			}
			return nil
		}
		began := time.Now()
		out, err := b.Run(t.Context(), study.Request{Type: study.Chat, UserID: agenttest.Alice, SessionID: agenttest.SessionID, Message: "What is osmosis?"}, nil)
		if err != nil || len(out.Result.Warnings) != 3 || time.Since(began) != 3*time.Second {
			t.Errorf("%v, %q, after %s", err, out.Result.Warnings, time.Since(began))
		}
		time.Sleep(2 * time.Hour) // the parts end
	})
}

func TestNotesNamedOutrightThatHangFailTheRequestInTheirTime(t *testing.T) {
	for _, how := range []string{"panics", "hangs for ever"} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(agenttest.Says("never"), Options{GatherTimeout: 3 * time.Second})
			over := make(chan struct{})
			defer close(over)
			b.Store.Fail = func(m string) error {
				if m == "NotesByID" {
					return spoilt(how, over)
				}
				return nil
			}
			req := agenttest.Asking(study.Quiz)
			req.NoteIDs = []string{noteID}
			_, err := b.Run(t.Context(), req, nil)
			agenttest.FailsWith(t, err, study.CodeUnavailable, "SECRET")
		})
	}
}

func TestAChatWithoutContextWorksWhileTheDatabaseIsDown(t *testing.T) {
	b := newBench(agenttest.Says("Osmosis is diffusion."), Options{})
	b.Store.Fail = func(m string) error {
		if m == "RecordExecution" {
			return nil
		}
		return study.Errorf(study.CodeUnavailable, "the database is away")
	}
	req := study.Request{Type: study.Chat, UserID: agenttest.Alice, SessionID: agenttest.SessionID, Message: "What is osmosis?"}
	var w watched
	out, err := b.Run(context.WithoutCancel(t.Context()), req, &w)
	if err != nil || out.Result.Data.(*study.Reply).Response != "Osmosis is diffusion." || !out.Result.Saved.Failed {
		t.Fatalf("%v, %+v", err, out)
	}
	want := []string{partWarnings["Session"], partWarnings["SearchPassages"], partWarnings["Preferences"], "not saved: the answer could not be stored"}
	if !slices.Equal(out.Result.Warnings, want) {
		t.Errorf("warnings %q, want %q", out.Result.Warnings, want)
	}
	agenttest.CheckSteps(t, w.progress)
}

func TestPartsOfARunThatHasEndedAreNotMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(agenttest.Says(agenttest.GoodAnswer(study.Chat)), Options{GatherTimeout: 3 * time.Second})
		ctx, leave := context.WithCancel(t.Context())
		b.Store.Fail = func(m string) error {
			if partWarnings[m] == "" {
				return nil
			}
			time.Sleep(time.Second)
			leave()
			return context.Canceled
		}
		_, err := b.Run(ctx, study.Request{Type: study.Chat, UserID: agenttest.Alice, SessionID: agenttest.SessionID, Message: "What is osmosis?"}, nil)
		if log := b.Log.String(); err == nil || strings.Contains(log, "context part missing") {
			t.Errorf("%v, log %s", err, log)
		}
	})
}
