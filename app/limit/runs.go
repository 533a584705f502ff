package limit

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"studysharper/app/study"
)

// day is the window of a budget of tokens: from midnight, UTC.
const day = 24 * time.Hour

// Usage tells how many tokens the upstream has counted since a time: of all, and of a user.
type Usage func(ctx context.Context, user string, since time.Time) (all, own int64, err error)

// Runs bounds what calls of a model cost: the runs of each client, and the tokens of a day. nil bounds nothing. The
// budget is looked at before a run, so it may be exceeded by the answers that are being made.
type Runs struct {
	Counter  Counter
	Policies []Policy
	Usage    Usage
	Tokens   int64 // of all users a day; 0 = no limit
	Own      int64 // of each user a day; 0 = no limit
	Refused  func()
	Log      *slog.Logger
}

// Spend counts a run of clients, each of which must be within every policy, and of a user. Errors are CodeRateLimited and
// CodeBudget, with an *Exceeded. What cannot be counted is allowed.
func (r *Runs) Spend(ctx context.Context, user string, clients []string) error {
	err := r.Check(ctx, user, clients)
	if err != nil {
		if r.Refused != nil {
			r.Refused()
		}
		return err
	}
	for _, client := range clients {
		if v, ok := r.ask(ctx, r.Counter.Take, client); !ok { // taken since by another
			return exceeded(study.CodeRateLimited, "too many requests of the AI service", v)
		}
	}
	return nil
}

// Check is what Spend would say, and counts nothing.
func (r *Runs) Check(ctx context.Context, user string, clients []string) error {
	if r == nil {
		return nil
	}
	for _, client := range clients {
		if v, ok := r.ask(ctx, r.Counter.Peek, client); !ok {
			return exceeded(study.CodeRateLimited, "too many requests of the AI service", v)
		}
	}
	return r.withinBudget(ctx, user)
}

// ask has a client judged.
func (r *Runs) ask(ctx context.Context, judge func(context.Context, string, []Policy) (Verdict, error), client string) (Verdict, bool) {
	if len(r.Policies) == 0 {
		return Verdict{}, true
	}
	v, err := judge(ctx, "run "+client, r.Policies)
	if err != nil {
		r.Log.Warn("rate limiter unavailable", "error", err)
		return v, true
	}
	return v, v.OK
}

// withinBudget compares the tokens of the day.
func (r *Runs) withinBudget(ctx context.Context, user string) error {
	if r.Tokens == 0 && r.Own == 0 {
		return nil
	}
	now := time.Now().UTC()
	since := now.Truncate(day)
	all, own, err := r.Usage(ctx, user, since)
	if err != nil {
		r.Log.Warn("tokens of the day cannot be read", "error", err)
		return nil
	}
	wait := since.Add(day).Sub(now)
	over := func(message, name string, quota int64) error {
		left := Left{Policy: Policy{Name: name, Quota: int(quota), Window: day}, Reset: wait}
		return exceeded(study.CodeBudget, message, Verdict{RetryAfter: wait, Left: []Left{left}})
	}
	switch {
	case r.Own > 0 && own >= r.Own:
		return over("you have used up today's budget of the AI service; it is renewed at midnight UTC", "tokens-user", r.Own)
	case r.Tokens > 0 && all >= r.Tokens:
		return over("today's budget of the AI service is used up; it is renewed at midnight UTC", "tokens", r.Tokens)
	}
	return nil
}

// exceeded is the error of a verdict; clients are told to wait a random part of a second longer, so that they do not come
// back all at once.
func exceeded(code study.Code, message string, v Verdict) error {
	return &study.Error{Code: code, Message: message, RetryAfter: v.RetryAfter + rand.N(time.Second), Cause: &Exceeded{v}} //nolint:gosec // jitter, not a secret
}
