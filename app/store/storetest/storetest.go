// Package storetest is the conformance suite of store.Store: the behaviour that all
// databases share. An implementation's own test calls Run with a function that opens an
// empty store; features of one database are tested with its implementation.
package storetest

import (
	"context"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"studysharper/app/store"
	"studysharper/app/study"
)

// Run checks the stores that open returns against the contract. Each call of open must
// return a new, empty store with default options, which the suite closes.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, group := range []map[string]func(*testing.T, store.Store){
		noteTests, searchTests, passageTests, sourceTests, sessionTests, contentTests, libraryTests, reviewTests, attemptTests, preferenceTests, executionTests, pageTests, idempotencyTests, runTests, accountTests, usageTests, userDataTests, lifeTests,
	} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) {
				s := open(t)
				t.Cleanup(func() { ok(t, s.Close()) })
				test(t, s)
			})
		}
	}
}

var lifeTests = map[string]func(*testing.T, store.Store){
	"AnOpenStoreAnswersPing": func(t *testing.T, s store.Store) {
		ok(t, s.Ping(t.Context()))
	},
	"ADatabaseGrowsWithWhatItKeeps": func(t *testing.T, s store.Store) {
		const kept, note = 2 << 20, 1 << 18
		before, err := s.Size(t.Context())
		ok(t, err)
		random := rand.NewChaCha8([32]byte{}) // PostgreSQL compresses data that is not random
		for range kept / note {
			content := make([]byte, note/2)
			_, _ = random.Read(content)
			_, err := s.CreateNote(t.Context(), study.Note{UserID: "ada", Title: "long", Content: hex.EncodeToString(content)})
			ok(t, err)
		}
		if after, err := s.Size(t.Context()); err != nil || before <= 0 || after < before+kept/2 {
			t.Errorf("%d bytes became %d with %d bytes of notes, %v", before, after, kept, err)
		}
	},
	"AClosedStoreIsUnavailable": func(t *testing.T, s store.Store) {
		ok(t, s.Close())
		ok(t, s.Close())
		wantCode(t, s.Ping(t.Context()), study.CodeUnavailable)
		_, err := s.CreateNote(t.Context(), study.Note{UserID: "ada"})
		wantCode(t, err, study.CodeUnavailable)
		_, _, err = s.Notes(t.Context(), store.NoteQuery{UserID: "ada"})
		wantCode(t, err, study.CodeUnavailable)
		s.RecordExecution(study.Execution{})
		if n := s.ExecutionsDropped(); n != 1 {
			t.Errorf("%d dropped after Close, want 1", n)
		}
	},
	"AnEndedContextEndsTheCall": func(t *testing.T, s store.Store) {
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.CreateNote(ended, study.Note{UserID: "ada"})
		wantCode(t, err, study.CodeUnavailable)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v does not hold context.Canceled", err)
		}
		late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		_, _, err = s.Notes(late, store.NoteQuery{UserID: "ada"})
		wantCode(t, err, study.CodeTimeout)
	},
}

// must returns v, ending the test on an error.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		ok(t, err)
		return v
	}
}

// rows is must for a list, ignoring its cursor.
func rows[T any](list []T, _ string, err error) func(*testing.T) []T {
	return must(list, err)
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code study.Code) {
	t.Helper()
	e, is := errors.AsType[*study.Error](err)
	if !is || e.Code != code {
		t.Fatalf("error %v, want a *study.Error of code %s", err, code)
	}
}

// wantFault is wantCode for CodeInvalid, naming the field.
func wantFault(t *testing.T, err error, field string) {
	t.Helper()
	wantCode(t, err, study.CodeInvalid)
	for _, f := range study.AsError(err).Faults {
		if f.Field == field {
			return
		}
	}
	t.Fatalf("error %v names no fault of %s", err, field)
}

// same compares the texts of two lists.
func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
}

func texts[T any](of func(T) string, values []T) []string {
	out := []string{}
	for _, v := range values {
		out = append(out, of(v))
	}
	return out
}

func recent(at time.Time) bool {
	return at.Location() == time.UTC && at.Equal(at.Truncate(time.Microsecond)) &&
		time.Since(at).Abs() < time.Minute
}

const noID = "01890000-0000-7000-8000-000000000000"
