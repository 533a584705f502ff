package limit

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"studysharper/app/study"
)

// day is the window of a token budget: it starts at midnight, UTC.
const day = 24 * time.Hour

// Usage returns how many tokens the upstream has counted since a time, for all users and for one.
type Usage func(ctx context.Context, user string, since time.Time) (all, own int64, err error)

// Runs limits the cost of model calls: the runs of each client, and the tokens per day. nil limits nothing. The budget
// is checked before a run, so the runs in progress may exceed it.
type Runs struct {
	Counter  Counter
	Policies []Policy
	Usage    Usage
	Tokens   int64 // of all users per day; 0 = unlimited
	Own      int64 // of each user per day; 0 = unlimited
	Refused  func()
	Log      *slog.Logger
}

// Spend counts a run of a user and of clients, each of which must be within every policy. It returns CodeRateLimited or
// CodeBudget, with an *Exceeded. It allows what cannot be counted.
func (r *Runs) Spend(ctx context.Context, user string, clients []string) error {
	err := r.Check(ctx, user, clients)
	if err != nil {
		if r.Refused != nil {
			r.Refused()
		}
		return err
	}
	for _, client := range clients {
		if v, ok := r.query(ctx, r.Counter.Take, client); !ok { // another request took it in the meantime
			return exceeded(study.CodeRateLimited, "too many requests of the AI service", v)
		}
	}
	return nil
}

// Check returns what Spend would return, but counts nothing.
func (r *Runs) Check(ctx context.Context, user string, clients []string) error {
	if r == nil {
		return nil
	}
	for _, client := range clients {
		if v, ok := r.query(ctx, r.Counter.Peek, client); !ok {
			return exceeded(study.CodeRateLimited, "too many requests of the AI service", v)
		}
	}
	return r.withinBudget(ctx, user)
}

// query asks the counter whether a client is within the policies.
func (r *Runs) query(ctx context.Context, judge func(context.Context, string, []Policy) (Verdict, error), client string) (Verdict, bool) {
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

// withinBudget checks the tokens of the day.
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

// exceeded returns the error for a verdict. Its wait is up to a second longer, at random, so that clients do not all
// come back at once.
func exceeded(code study.Code, message string, v Verdict) error {
	return &study.Error{Code: code, Message: message, RetryAfter: v.RetryAfter + rand.N(time.Second), Cause: &Exceeded{v}} //nolint:gosec // jitter, not a secret
}
