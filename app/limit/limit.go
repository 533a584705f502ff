// Package limit counts what clients do and reports when it is too much. The state of a client under a policy is a
// single time: when it will have its whole quota again (the generic cell rate algorithm). A client may use its quota at
// once, and regains it evenly: with 10 a minute, one every 6 s. Table stores these times in memory that all workers of
// a container share, so that a limit applies to all workers together and survives each of them.
package limit

import (
	"context"
	"time"
)

// MaxPolicies is the maximum number of policies for a client.
const MaxPolicies = 2

// Policy allows a client Quota requests per Window. In any time t it allows at most Quota + t·Quota/Window requests.
type Policy struct {
	Name   string // as shown to clients
	Quota  int    // above 0
	Window time.Duration
}

// Policies returns the policies of quotas per minute and per hour; 0 = no such quota.
func Policies(perMinute, perHour int) (policies []Policy) {
	if perMinute > 0 {
		policies = append(policies, Policy{Name: "minute", Quota: perMinute, Window: time.Minute})
	}
	if perHour > 0 {
		policies = append(policies, Policy{Name: "hour", Quota: perHour, Window: time.Hour})
	}
	return policies
}

// Counter counts requests. Table implements it for the workers of a container. It is safe for concurrent use.
type Counter interface {
	// Take counts one request of a client if every policy allows it, and nothing otherwise. A client must always have
	// the same policies, at most two, in the same order.
	Take(ctx context.Context, client string, policies []Policy) (Verdict, error)
	// Peek returns what Take would return, but counts nothing.
	Peek(ctx context.Context, client string, policies []Policy) (Verdict, error)
}

// Verdict is what a client may do.
type Verdict struct {
	OK         bool
	RetryAfter time.Duration // if not OK: time until every policy allows a request again
	Left       []Left        // by policy
}

// Exceeded is the cause in the error of a refused request.
type Exceeded struct{ Verdict Verdict }

// Error implements error.
func (*Exceeded) Error() string { return "a limit is exceeded" }

// Left is what remains of a client's quota under a policy.
type Left struct {
	Policy
	Remaining int
	Reset     time.Duration // time until the whole quota is available again
}

// Every is the time in which one request is regained, rounded up, so that a policy never allows more than it states.
func (p Policy) Every() int64 {
	return (int64(p.Window) + int64(p.Quota) - 1) / int64(p.Quota)
}

// take returns the time of a full quota after one more request, and how long that request must wait.
func (p Policy) take(full, now int64) (next int64, wait time.Duration) {
	next = p.within(full, now) + p.Every()
	return next, time.Duration(max(0, next-p.latest(now)))
}

// latest returns the time of a full quota for a client that has used up its quota.
func (p Policy) latest(now int64) int64 { return now + int64(p.Quota)*p.Every() }

// within limits a time to the possible range.
func (p Policy) within(full, now int64) int64 { return min(max(full, now), p.latest(now)) }

// Left returns what remains at now for a client whose whole quota is available again at full.
func (p Policy) Left(full, now int64) Left {
	full = p.within(full, now)
	return Left{Policy: p, Remaining: int((p.latest(now) - full) / p.Every()), Reset: time.Duration(full - now)}
}

// judge counts a request under all of a client's policies, or under none.
func judge(full *[MaxPolicies]int64, policies []Policy, now int64) Verdict {
	next, v := *full, Verdict{OK: true, Left: make([]Left, 0, len(policies))}
	for i, p := range policies {
		var wait time.Duration
		next[i], wait = p.take(full[i], now)
		v.RetryAfter = max(v.RetryAfter, wait)
	}
	if v.OK = v.RetryAfter == 0; v.OK {
		*full = next
	}
	for i, p := range policies {
		v.Left = append(v.Left, p.Left(full[i], now))
	}
	return v
}
