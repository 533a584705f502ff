package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"studysharper/app/study"
)

const (
	idA = "0192f0a0-0000-7000-8000-00000000000a"
	idB = "0192f0a0-0000-7000-8000-00000000000b"
	idC = "0192f0a0-0000-7000-8000-00000000000c"
	idD = "0192f0a0-0000-7000-8000-00000000000d"
)

// inserts returns a change that adds a session and then calls then, if that is not nil.
func inserts(id string, then func() error) *change {
	return &change{done: make(chan struct{}), apply: func(ctx context.Context, tx tx) error {
		const insert = "INSERT INTO sessions (id, user_id, title, created_at, updated_at) VALUES ($1, 'ada', '', 0, 0)"
		if _, err := tx.exec(ctx, insert, []any{id}); err != nil || then == nil {
			return err
		}
		return then()
	}}
}

func kept(t *testing.T, s Store, id string) bool {
	t.Helper()
	_, err := s.Session(t.Context(), id)
	if err != nil && study.AsError(err).Code != study.CodeNotFound {
		t.Fatal(err)
	}
	return err == nil
}

func TestAChangeThatFailsIsTheOnlyOneNotMade(t *testing.T) {
	s := openFresh(t, Options{})
	wrong := errors.New("wrong")
	good, bad, worse, last := inserts(idA, nil), inserts(idB, func() error { return wrong }),
		inserts(idC, func() error { panic("a student's words") }), inserts(idD, nil)
	s.applyBatch([]*change{good, bad, worse, last})
	for _, c := range []*change{good, bad, worse, last} {
		<-c.done
	}
	if good.err != nil || last.err != nil || !kept(t, s, idA) || !kept(t, s, idD) {
		t.Errorf("the good ones: %v, %v", good.err, last.err)
	}
	if !errors.Is(bad.err, wrong) || kept(t, s, idB) {
		t.Errorf("the failing one: %v", bad.err)
	}
	if study.AsError(worse.err).Code != study.CodeInternal || kept(t, s, idC) || strings.Contains(worse.err.Error(), "words") {
		t.Errorf("the panicking one: %v", worse.err)
	}
}

func TestATransactionTakesSixtyFourChangesAtMost(t *testing.T) {
	var q changes
	for i := range maxTogether + 1 {
		if start := q.add(&change{}); start != (i == 0) {
			t.Errorf("change %d starts a writer: %v", i, start)
		}
	}
	for _, want := range []int{maxTogether, 1, 0} {
		if got := len(q.take()); got != want {
			t.Errorf("%d taken, want %d", got, want)
		}
	}
	if q.more() || !q.add(&change{}) || !q.more() {
		t.Error("the writer that found nothing ends, and another is started for the next change")
	}
}

func TestAChangeWhoseCallerHasLeftIsNotMade(t *testing.T) {
	s := openFresh(t, Options{})
	left, stays := inserts(idA, nil), inserts(idB, nil)
	if !left.abandon() {
		t.Fatal("a change that nobody has begun cannot be abandoned")
	}
	s.applyBatch([]*change{left, stays})
	if kept(t, s, idA) || !kept(t, s, idB) {
		t.Error("made although its caller had left, or not made although its caller waits")
	}
}

func TestACallerWhoseChangeHasBegunLearnsHowItEnds(t *testing.T) {
	s := openFresh(t, Options{})
	ctx, leave := context.WithCancel(t.Context())
	err := s.change(ctx, func(ctx context.Context, t tx) error {
		leave()
		return inserts(idA, nil).apply(ctx, t)
	})
	if err != nil || !kept(t, s, idA) {
		t.Errorf("error %v, though it was kept: %v", err, kept(t, s, idA))
	}
}

func TestWhatIsWithdrawnIsNotTaken(t *testing.T) {
	var q changes
	first, second := &change{}, &change{}
	q.add(first)
	q.add(second)
	q.withdraw(first)
	if taken := q.take(); len(taken) != 1 || taken[0] != second {
		t.Errorf("taken: %v", taken)
	}
	q.withdraw(second) // which is being applied
}

func TestAConnectionKeepsSoManyStatementsPrepared(t *testing.T) {
	opened, err := connector{dsn(openFresh(t, Options{}).path, "rw", lockStep)}.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn := opened.(*preparing)
	for i := range 2 * (maxStatements + 1) {
		query := fmt.Sprintf("SELECT %d", i%(maxStatements+1))
		rows, err := conn.QueryContext(t.Context(), query, nil)
		if err != nil {
			t.Fatal(query, err)
		}
		rows.Close()
	}
	if len(conn.kept) != maxStatements {
		t.Errorf("%d statements kept, want %d", len(conn.kept), maxStatements)
	}
	if err := conn.Close(); err != nil || len(conn.kept) != 0 {
		t.Errorf("after the close %d are kept, %v", len(conn.kept), err)
	}
}
