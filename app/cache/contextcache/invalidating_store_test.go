package contextcache

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"studysharper/app/agent"
	"studysharper/app/store"
	"studysharper/app/study"
	"studysharper/app/testkit"
)

// The limits of a worker's cache in these tests.
const (
	maxItems      = 256
	maxBytes      = 1 << 20
	purgeInterval = 250 * time.Millisecond
)

// echo is a model that repeats its material and is never cached.
type echo struct{}

func (echo) Name() string { return "echo" }

func (echo) Generate(_ context.Context, p study.Prompt, _ func(string)) (study.Answer, error) {
	return study.Answer{Text: "It says: " + p.Brief.Material + "; detail " + p.Brief.Detail, Model: "echo"}, nil
}

// forgetful is a cache that stores nothing.
type forgetful struct{}

func (forgetful) Get(context.Context, string) ([]byte, time.Duration, bool) { return nil, 0, false }
func (forgetful) Set(context.Context, string, []byte)                       {}

// quiet is a store for the agents that saves no conversations.
type quiet struct{ store.Store }

func (s quiet) SearchNotes(ctx context.Context, userID, words string, limit int) ([]study.Note, error) {
	notes, _, err := s.Notes(ctx, store.NoteQuery{UserID: userID, Search: words, AnyWord: true, Page: store.Page{Limit: limit}})
	return notes, err
}

func (s quiet) SearchPassages(ctx context.Context, userID string, ids []string, words string, limit int) ([]study.Passage, error) {
	return store.ForAgents(s.Store).SearchPassages(ctx, userID, ids, words, limit)
}

func (quiet) Messages(context.Context, string, int) ([]study.Message, error) { return nil, nil }

func (quiet) AppendMessages(context.Context, study.Session, ...study.Message) error { return nil }

// colleague is the part of a worker that matters here.
type colleague struct {
	InvalidatingStore
	*agent.Orchestrator
	contexts *Cache
	cleared  chan string
}

// colleagues returns workers that share a database and its version counters.
func colleagues(t testing.TB, n int) []*colleague {
	t.Helper()
	database := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	if err := store.Migrate(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	versions := open(t)
	var all []*colleague
	for range n {
		kept, err := store.Open(t.Context(), database, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = kept.Close() })
		w := &colleague{cleared: make(chan string, 100), contexts: NewCache(Options{MaxItems: maxItems, MaxBytes: maxBytes, TTL: time.Minute})}
		purger := NewPurger(func(pattern string) error { w.cleared <- pattern; return nil }, purgeInterval, slog.New(slog.DiscardHandler))
		w.InvalidatingStore = NewInvalidatingStore(kept, attach(t, versions), purger)
		w.Orchestrator = agent.New(w.deps(w.contexts), agent.Options{Deterministic: true})
		all = append(all, w)
	}
	return all
}

func (w *colleague) deps(contexts agent.Cache) agent.Deps {
	return agent.Deps{Model: echo{}, Cache: forgetful{}, Store: quiet{w.InvalidatingStore}, Parts: contexts, Versions: w.versions}
}

// says returns the worker's answer to a user's chat, made from the user's notes.
func (w *colleague) says(t testing.TB, user, message string, ids ...string) string {
	t.Helper()
	out, err := w.Run(t.Context(), agent.NewID(), study.Request{Type: study.Chat, UserID: user, Message: message, NoteIDs: ids}, agent.Observer{})
	if err != nil {
		t.Error(err)
		return ""
	}
	return out.Result.Data.(*study.Reply).Response
}

func (w *colleague) write(t testing.TB, user, content string) study.Note {
	t.Helper()
	n, err := w.CreateNote(t.Context(), study.Note{UserID: user, Title: "Osmosis", Content: content})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEveryChangeIsKnownToTheOtherWorkerAtOnce(t *testing.T) {
	both := colleagues(t, 2)
	here, there := both[0], both[1]
	n := here.write(t, "ann", "Osmosis is the first.")
	text := func(s string) *string { return &s }
	for _, c := range []struct {
		name string
		do   func() error
		says string
	}{
		{"nothing", func() error { return nil }, "the first"},
		{"a note is changed by its student", func() (err error) {
			_, err = here.UpdateNote(t.Context(), "ann", n.ID, study.NoteChange{Content: text("Osmosis is the second.")})
			return err
		}, "the second"},
		{"a note is changed by nobody known", func() (err error) {
			_, err = here.UpdateNote(t.Context(), "", n.ID, study.NoteChange{Content: text("Osmosis is the third.")})
			return err
		}, "the third"},
		{"preferences", func() (err error) {
			_, err = here.SavePreferences(t.Context(), study.Preferences{UserID: "ann", Detail: study.Short})
			return err
		}, "detail short"},
		{"a note is deleted by nobody known", func() error { return here.DeleteNote(t.Context(), "", n.ID) }, "It says: ;"},
		{"a new note", func() error { n = here.write(t, "ann", "Osmosis is the fourth."); return nil }, "the fourth"},
		{"a note is deleted by its student", func() error { return here.DeleteNote(t.Context(), "ann", n.ID) }, "It says: ;"},
		{"a new note with an idempotency key", func() (err error) {
			_, _, err = here.Once(t.Context(), store.Key{UserID: "ann", Key: "k"}, func(ctx context.Context) (store.Answer, error) {
				n, err = here.CreateNote(ctx, study.Note{UserID: "ann", Title: "Osmosis", Content: "Osmosis is the fifth."})
				_ = there.says(t, "ann", "What is osmosis?") // so that it may cache what is not committed yet
				return store.Answer{Status: 201}, err
			})
			return err
		}, "the fifth"},
		{"the user is deleted", func() error { return here.DeleteUser(t.Context(), "ann") }, "It says: ;"},
	} {
		_ = there.says(t, "ann", "What is osmosis?") // so that it is cached
		if err := c.do(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for _, w := range both {
			if got := w.says(t, "ann", "What is osmosis?"); !strings.Contains(got, c.says) {
				t.Errorf("%s: %q", c.name, got)
			}
		}
	}
	if stats := there.contexts.Stats(); stats.Hits == 0 {
		t.Errorf("nothing was cached: %+v", stats)
	}
}

// numbersOf returns the versions of the parts of a user's data.
func (w *colleague) numbersOf(user string) (numbers [3]uint64) {
	for i, kept := range []string{agent.ResourceNotes, agent.ResourcePreferences, agent.ResourceAids} {
		numbers[i], _ = w.versions.Version(user, kept)
	}
	return numbers
}

// spying is a store that reads the version of ann's notes while it is called.
type spying struct {
	store.Store
	err   error
	look  func() [3]uint64
	while [3]uint64
}

func (s *spying) Note(ctx context.Context, user, id string) (study.Note, error) {
	if s.err != nil {
		return study.Note{}, s.err
	}
	return s.Store.Note(ctx, user, id)
}

func (s *spying) DeleteNote(ctx context.Context, user, id string) error {
	if s.while = s.look(); s.err != nil {
		return s.err
	}
	return s.Store.DeleteNote(ctx, user, id)
}

func (s *spying) SaveContent(ctx context.Context, c study.Content) (study.Content, error) {
	s.while = s.look()
	return s.Store.SaveContent(ctx, c)
}

func TestNumbersMoveBeforeAndAfterAChangeAlsoWhenItFails(t *testing.T) {
	w := colleagues(t, 1)[0]
	n := w.write(t, "ann", "Osmosis.")
	spy := &spying{Store: w.Store, look: func() [3]uint64 { return w.numbersOf("ann") }}
	w.Store = spy
	away := study.Errorf(study.CodeUnavailable, "the database is away")
	aid := study.Content{UserID: "ann", Type: study.Quiz, Title: "Q", Data: json.RawMessage(`{}`)}
	for _, c := range []struct {
		name          string
		err           error
		do            func() error
		before, after [3]uint64
		tells         string
	}{
		{"another's note", nil, func() error { return w.DeleteNote(t.Context(), "bob", n.ID) }, [3]uint64{}, [3]uint64{}, agent.UserTag("bob")},
		{"a note that is not there", nil, func() error { return w.DeleteNote(t.Context(), "", "0192f0e4-7d1c-7000-8000-000000000001") }, [3]uint64{}, [3]uint64{}, ""},
		{"it is not known what became of it", away, func() error { return w.DeleteNote(t.Context(), "ann", n.ID) }, [3]uint64{1}, [3]uint64{2}, agent.UserTag("ann")},
		{"it is not known either whose it was", away, func() error { return w.DeleteNote(t.Context(), "", n.ID) }, [3]uint64{1, 1, 1}, [3]uint64{2, 2, 2}, agent.UserTagPrefix},
		{"it is done", nil, func() error { return w.DeleteNote(t.Context(), "", n.ID) }, [3]uint64{1}, [3]uint64{2}, agent.UserTag("ann")},
		{"an aid", nil, func() error { _, err := w.SaveContent(t.Context(), aid); return err }, [3]uint64{0, 0, 1}, [3]uint64{0, 0, 2}, ""},
	} {
		run(t, w.purger.Run)
		for len(w.cleared) > 0 {
			<-w.cleared
		}
		was := w.numbersOf("ann")
		spy.err = c.err
		_ = c.do()
		now := w.numbersOf("ann")
		for i := range was {
			if spy.while[i]-was[i] != c.before[i] || now[i]-was[i] != c.after[i] {
				t.Errorf("%s: number %d was %d, then %d, then %d", c.name, i, was[i], spy.while[i], now[i])
			}
		}
		run(t, w.purger.Run)
		told := ""
		if len(w.cleared) > 0 {
			told = <-w.cleared
		}
		if told != c.tells || len(w.cleared) > 0 {
			t.Errorf("%s: all workers drop %q, want %q", c.name, told, c.tells)
		}
	}
}

func TestAStudentWhoSavesOftenDoesNotKeepTheWorkersBusy(t *testing.T) {
	w := colleagues(t, 1)[0]
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.purger.Run(ctx) }()
	began := time.Now()
	for i := range 100 {
		w.write(t, "ann", fmt.Sprint("Osmosis ", i))
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	rounds := int(time.Since(began)/purgeInterval) + 2 // the first at once, and one at the end
	if got := len(w.cleared); got < 1 || got > rounds {
		t.Errorf("%d broadcasts of 100 changes in %v", got, time.Since(began))
	}
}

func TestMoreStudentsThanAreToldOneByOneAreAll(t *testing.T) {
	for _, users := range []int{maxPendingPurges, maxPendingPurges + 1} {
		w := colleagues(t, 1)[0]
		for i := range users {
			w.write(t, fmt.Sprint("user ", i), "Osmosis.")
		}
		run(t, w.purger.Run)
		if got := len(w.cleared); got != users && users == maxPendingPurges || got != 1 && users > maxPendingPurges {
			t.Errorf("%d broadcasts for %d users", got, users)
		}
		if pattern := <-w.cleared; users > maxPendingPurges && pattern != agent.UserTagPrefix {
			t.Errorf("all workers drop %q", pattern)
		}
	}
}

// TestAskingAfterAChangeNeverGivesTheOld changes notes on one worker and queries the other, thousands of times, while
// both answer other queries about the same notes.
func TestAskingAfterAChangeNeverGivesTheOld(t *testing.T) {
	both := colleagues(t, 2)
	rounds := testkit.Size(60, 400)
	var noise, writers sync.WaitGroup
	for _, user := range []string{"ann", "bob"} {
		n := both[0].write(t, user, "Osmosis is number 0.")
		changing := make(chan struct{}, len(both))
		for _, w := range both {
			noise.Go(func() {
				for range changing {
					for range 5 {
						_ = w.says(t, user, "What is osmosis?")
					}
				}
			})
		}
		writers.Go(func() {
			defer close(changing)
			for i := 1; i <= rounds && !t.Failed(); i++ {
				content := fmt.Sprintf("Osmosis is number %d.", i)
				for range both {
					select {
					case changing <- struct{}{}:
					default: // the others are still running
					}
				}
				if _, err := both[i%2].UpdateNote(t.Context(), user, n.ID, study.NoteChange{Content: &content}); err != nil {
					t.Error(err)
					return
				}
				other := both[1-i%2]
				for _, got := range []string{other.says(t, user, "What is osmosis?"), other.says(t, user, "What?", n.ID)} {
					if !strings.Contains(got, content) {
						t.Errorf("after change %d of %s the other worker says %q", i, user, got)
					}
				}
			}
		})
	}
	writers.Wait()
	noise.Wait()
	hits := both[0].contexts.Stats().Hits + both[1].contexts.Stats().Hits
	if hits < uint64(rounds) {
		t.Errorf("only %d parts came from a cache", hits)
	}
	t.Logf("%d parts came from a cache", hits)
}

func TestAttemptsMoveTheWeakTopics(t *testing.T) {
	w := colleagues(t, 1)[0]
	quiz := study.Content{UserID: "ann", Type: study.Quiz, Data: json.RawMessage(`{"quiz":{"title":"Q","questions":[]}}`)}
	c, err := w.SaveContent(t.Context(), quiz)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []struct {
		name string
		do   func() error
		aids bool
	}{
		{"an attempt", func() error {
			_, err := w.SaveAttempt(t.Context(), study.Attempt{ContentID: c.ID, UserID: "ann"})
			return err
		}, false},
		{"overruled by nobody known", func() error {
			_, err := w.UpdateAttempt(t.Context(), "", study.Quiz, c.ID, 1, func(*study.Attempt) error { return nil })
			return err
		}, true},
		{"the aid is deleted", func() error { return w.DeleteContent(t.Context(), "ann", study.Quiz, c.ID) }, true},
		{"the user is deleted", func() error { return w.DeleteUser(t.Context(), "ann") }, true},
	} {
		attempts, _ := w.versions.Version("ann", agent.ResourceAttempts)
		aids, _ := w.versions.Version("ann", agent.ResourceAids)
		if err := change.do(); err != nil {
			t.Fatalf("%s: %v", change.name, err)
		}
		after, _ := w.versions.Version("ann", agent.ResourceAttempts)
		now, _ := w.versions.Version("ann", agent.ResourceAids)
		if after == attempts || (now != aids) != change.aids {
			t.Errorf("%s: attempts from %d to %d, aids from %d to %d", change.name, attempts, after, aids, now)
		}
	}
}
