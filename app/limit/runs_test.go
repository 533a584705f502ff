package limit

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/study"
)

func TestARunCountsForEachOfItsClientsOrForNone(t *testing.T) {
	s := open(t)
	refused := 0
	r := &Runs{Counter: s.Table, Policies: []Policy{{"minute", 2, time.Minute}}, Log: slog.New(slog.DiscardHandler), Refused: func() { refused++ }}
	spend := func(clients ...string) bool {
		err := r.Spend(t.Context(), "ann", clients)
		if over, ok := errors.AsType[*Exceeded](err); err != nil && (!study.IsCode(err, study.CodeRateLimited) || !ok || over.Verdict.OK || study.AsError(err).RetryAfter <= 0) {
			t.Fatalf("error %v", err)
		}
		return err == nil
	}
	for i, tt := range []struct {
		clients []string
		ok      bool
	}{
		{[]string{"user ann", "address 1"}, true},
		{[]string{"user bob", "address 1"}, true},
		{[]string{"user cy", "address 1"}, false}, // a new account from the same address
		{[]string{"user ann", "address 2"}, true},
		{[]string{"user ann", "address 3"}, false},
		{[]string{"user cy", "address 3"}, true}, // refused requests were counted for nobody
		{nil, true},
	} {
		if check := r.Check(t.Context(), "ann", tt.clients) == nil; check != tt.ok {
			t.Errorf("%d: Check says %v", i, check)
		}
		if got := spend(tt.clients...); got != tt.ok {
			t.Errorf("%d: %v may run: %v", i, tt.clients, got)
		}
	}
	if refused != 2 {
		t.Errorf("%d refused", refused)
	}
	if err := (*Runs)(nil).Check(t.Context(), "ann", []string{"x"}); err != nil {
		t.Error(err)
	}
}

func TestTheTokensOfADayAreABudgetUntilMidnight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(18 * time.Hour) // the fake clock starts at midnight
		all, own := int64(0), map[string]int64{}
		r := &Runs{Tokens: 100, Own: 40, Log: slog.New(slog.DiscardHandler), Usage: func(_ context.Context, user string, since time.Time) (int64, int64, error) {
			if since.Hour() != 0 || since.Location() != time.UTC || time.Since(since) >= day {
				t.Errorf("since %v", since)
			}
			return all, own[user], nil
		}}
		check := func(user string) string {
			err := r.Check(t.Context(), user, nil)
			if err == nil {
				return ""
			}
			over, _ := errors.AsType[*Exceeded](err)
			if e := study.AsError(err); e.Code != study.CodeBudget || e.RetryAfter < 6*time.Hour || e.RetryAfter > 6*time.Hour+time.Second {
				t.Errorf("error %v, again after %v", err, e.RetryAfter)
			}
			return over.Verdict.Left[0].Name
		}
		for _, tt := range []struct {
			all, ann int64
			user     string
			want     string
		}{{99, 39, "ann", ""}, {99, 40, "ann", "tokens-user"}, {99, 40, "bob", ""}, {100, 0, "bob", "tokens"}} {
			all, own["ann"] = tt.all, tt.ann
			if got := check(tt.user); got != tt.want {
				t.Errorf("%d of all, %d of ann: %s is refused for %q", tt.all, tt.ann, tt.user, got)
			}
		}
		r.Usage = func(context.Context, string, time.Time) (int64, int64, error) { return 0, 0, errors.New("away") }
		if err := r.Check(t.Context(), "ann", nil); err != nil {
			t.Errorf("while the store is away: %v", err)
		}
	})
}
