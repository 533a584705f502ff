// Package limit counts what clients do and tells when it is too much. The one idea: all
// that has to be known of a client under a policy is one moment, when it will have its
// whole quota again (the generic cell rate algorithm). A client may use its quota at
// once, and gets it back evenly: of 10 a minute one every 6 s. Table keeps the moments in
// memory that all workers of a container share, so that a limit holds over all of them
// and outlives each.
package limit

import (
	"context"
	"time"
)

// MaxPolicies is how many policies a client may be under at once.
const MaxPolicies = 2

// Policy allows a client Quota requests in a Window. Within any time t it lets pass
// Quota + t·Quota/Window requests at most.
type Policy struct {
	Name   string // as it is told to clients
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

// Counter counts requests. Table implements it for the workers of a container. It is safe
// for concurrent use.
type Counter interface {
	// Take counts one request of a client where every policy allows it, and none
	// where one does not. The policies, two at most, are always the same for a client
	// and in the same order.
	Take(ctx context.Context, client string, policies []Policy) (Verdict, error)
	// Peek is what Take would say, and counts nothing.
	Peek(ctx context.Context, client string, policies []Policy) (Verdict, error)
}

// Verdict is what a client may do.
type Verdict struct {
	OK         bool
	RetryAfter time.Duration // not OK: until every policy allows a request again
	Left       []Left        // by policy
}

// Exceeded is the cause of the error of a request that was refused.
type Exceeded struct{ Verdict Verdict }

// Error implements error.
func (*Exceeded) Error() string { return "a limit is exceeded" }

// Left is what a client has left of a policy.
type Left struct {
	Policy
	Remaining int
	Reset     time.Duration // until the whole quota is there again
}

// Every is how long one request takes to be given back, rounded up, so that a policy never
// allows more than it says.
func (p Policy) Every() int64 {
	return (int64(p.Window) + int64(p.Quota) - 1) / int64(p.Quota)
}

// take is the moment of a full quota with one request more, or how long that has to wait.
func (p Policy) take(full, now int64) (next int64, wait time.Duration) {
	next = p.within(full, now) + p.Every()
	return next, time.Duration(max(0, next-p.latest(now)))
}

// latest is the moment of a client that has used up its quota.
func (p Policy) latest(now int64) int64 { return now + int64(p.Quota)*p.Every() }

// within holds a moment to what is possible.
func (p Policy) within(full, now int64) int64 { return min(max(full, now), p.latest(now)) }

// Left is what a client has left at now whose whole quota is there again at full.
func (p Policy) Left(full, now int64) Left {
	full = p.within(full, now)
	return Left{Policy: p, Remaining: int((p.latest(now) - full) / p.Every()), Reset: time.Duration(full - now)}
}

// judge counts a request on the moments of a client, or on none of them.
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
