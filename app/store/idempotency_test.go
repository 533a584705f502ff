package store

import (
	"context"
	"fmt"
	"testing"

	"studysharper/app/study"
)

func TestAnswersAreForgottenAfterADay(t *testing.T) {
	s := openFresh(t, Options{})
	forgetsAnswers(t, s.sqlStore, func(query string) error { _, err := s.write.Exec(query); return err })
}

// forgetsAnswers ages a store's answers with exec, and makes the store remove them.
func forgetsAnswers(t *testing.T, s *sqlStore, exec func(query string) error) {
	t.Helper()
	once := func(key, request string) (replayed bool) {
		_, replayed, err := s.Once(t.Context(), Key{UserID: "ada", Key: key, Fingerprint: request}, func(context.Context) (Answer, error) {
			return Answer{Status: 200}, nil
		})
		if err != nil && study.AsError(err).Code != study.CodeInvalid {
			t.Fatal(err)
		}
		return replayed
	}
	for i := range answersSwept + 1 {
		once(fmt.Sprint(i), "r")
	}
	ageBy := func(micros int64) {
		if err := exec(fmt.Sprintf("UPDATE idempotency SET created_at = created_at - %d", micros)); err != nil {
			t.Fatal(err)
		}
	}
	ageBy(KeepAnswers.Microseconds() - 60e6)
	if !once("0", "r") {
		t.Error("forgotten within the day")
	}
	ageBy(120e6)
	if once("0", "another") || !once("0", "another") {
		t.Error("a key of yesterday is not new")
	}
	if err := s.sweepAnswers(t.Context()); err != nil {
		t.Fatal(err)
	}
	n, err := one(t.Context(), s, func(row scanner, n *int) (mark, error) { return mark{}, row.Scan(n) }, "SELECT count(*) FROM idempotency")
	if err != nil || n != 1 {
		t.Errorf("%d answers after the sweep, %v; want today's one", n, err)
	}
}
