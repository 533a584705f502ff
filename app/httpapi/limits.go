package httpapi

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/httpserver"
	"studysharper/app/limit"
	"studysharper/app/study"
)

// wrongTokens limits the wrong tokens from one address: ten, then one a minute.
var wrongTokens = []limit.Policy{{Name: "tokens", Quota: 10, Window: 10 * time.Minute}}

// allow counts a request for its client, and returns CodeRateLimited above a limit. Either way the answer's headers say
// what is left (draft-ietf-httpapi-ratelimit-headers-10). While the counter is unavailable, all requests are allowed.
func (s *Server) allow(c *fiber.Ctx) error { return s.withinLimits(c, true) }

// wouldAllow is like allow but does not count, for a request whose body has not been read.
func (s *Server) wouldAllow(c *fiber.Ctx) error { return s.withinLimits(c, false) }

func (s *Server) withinLimits(c *fiber.Ctx, count bool) error {
	if len(s.o.Admission.Limits) == 0 {
		return nil
	}
	judge := s.o.Admission.Counter.Peek
	if count {
		judge = s.o.Admission.Counter.Take
	}
	v, err := judge(s.lifetime, s.countedAs(c), s.o.Admission.Limits)
	if err != nil {
		s.o.Log.Warn("rate limiter unavailable", "error", err)
		return nil
	}
	if count || !v.OK {
		setRateLimitHeaders(c, v)
	}
	if v.OK {
		return nil
	}
	return rateLimited(v, "too many requests")
}

// countedAs names the client that a request counts for: its user or, without user authentication, its address, since
// anyone can make up a user_id.
func (s *Server) countedAs(c *fiber.Ctx) string {
	if user := authenticated(c); user != "" {
		return "user " + user
	}
	return "address " + s.client(c)
}

// addLimit adds a limit to the answer's headers.
func addLimit(c *fiber.Ctx, policy, left string) {
	c.Append("RateLimit-Policy", policy)
	c.Append("RateLimit", left)
}

// rateLimited returns the error for a client above a limit. Retry-After is up to a second longer than necessary, at
// random, so that waiting clients do not all come back at once.
func rateLimited(v limit.Verdict, what string) error {
	return &study.Error{Code: study.CodeRateLimited, Message: what, RetryAfter: v.RetryAfter + rand.N(time.Second)} //nolint:gosec // jitter, not a secret
}

func setRateLimitHeaders(c *fiber.Ctx, v limit.Verdict) {
	policies, left := make([]string, len(v.Left)), make([]string, len(v.Left))
	for i, l := range v.Left {
		policies[i] = fmt.Sprintf("%q;q=%d;w=%d", l.Name, l.Quota, wholeSeconds(l.Window))
		left[i] = fmt.Sprintf("%q;r=%d;t=%d", l.Name, l.Remaining, wholeSeconds(l.Reset))
	}
	addLimit(c, strings.Join(policies, ", "), strings.Join(left, ", "))
}

// wrongToken counts a wrong token. It returns err, or CodeRateLimited after too many from one address.
func (s *Server) wrongToken(c *fiber.Ctx, kind string, err error) error {
	if s.o.Admission.Counter == nil {
		return err
	}
	v, failed := s.o.Admission.Counter.Take(s.lifetime, kind+" "+s.client(c), wrongTokens)
	if failed == nil && !v.OK {
		setRateLimitHeaders(c, v)
		return rateLimited(v, "too many wrong tokens")
	}
	return err
}

// mayGuess returns CodeRateLimited while an address has sent too many wrong admin tokens. Even the right token is not
// checked then; otherwise guessing could continue.
func (s *Server) mayGuess(c *fiber.Ctx) error {
	if s.o.Admission.Counter == nil {
		return nil
	}
	v, err := s.o.Admission.Counter.Peek(s.lifetime, "admin "+s.client(c), wrongTokens)
	if err == nil && !v.OK {
		setRateLimitHeaders(c, v)
		return rateLimited(v, "too many wrong tokens")
	}
	return nil
}

// mayCreateAccount counts a new account for an address, and returns CodeRateLimited above the limit: with new accounts,
// a client could evade every per-user limit.
func (s *Server) mayCreateAccount(c *fiber.Ctx) error {
	if len(s.o.Admission.Accounts) == 0 {
		return nil
	}
	v, err := s.o.Admission.Counter.Take(s.lifetime, "account "+s.client(c), s.o.Admission.Accounts)
	if err != nil {
		s.o.Log.Warn("rate limiter unavailable", "error", err)
		return nil
	}
	setRateLimitHeaders(c, v)
	if !v.OK {
		return rateLimited(v, "too many new accounts from this address: open yours with its study code")
	}
	return nil
}

// smallBody is the size below which mayStore does not count a body: QUOTA_ITEMS limits small items.
const smallBody = 256

// declaredBytes returns the length of a body that has not been read: the maximum if the body is chunked, and 0 if it is
// too long to be read.
func (s *Server) declaredBytes(c *fiber.Ctx) int64 {
	most := int64(s.o.HTTP.MaxBodyBytes)
	switch n := httpserver.BodyLength(c.Context()); {
	case n < 0:
		return most
	case n > most:
		return 0
	default:
		return n
	}
}

// mayStore counts, for an address, what a request may add to the database. It returns CodeRateLimited above
// Admission.Stored: quotas are per account, and an address can create many accounts.
func (s *Server) mayStore(c *fiber.Ctx, bytes int64) error {
	stored := s.o.Admission.Stored
	if s.o.Accounts == nil || stored.Quota == 0 || bytes < smallBody {
		return nil
	}
	told := stored
	stored.Quota = int(max(1, int64(stored.Quota)/bytes)) // the number of such requests that the quota allows per day
	v, err := s.o.Admission.Counter.Take(s.lifetime, "stored address "+s.client(c), []limit.Policy{stored})
	if err != nil {
		s.o.Log.Warn("rate limiter unavailable", "error", err)
		return nil
	}
	if v.OK {
		return nil
	}
	addLimit(c, fmt.Sprintf("%q;q=%d;qu=\"content-bytes\";w=%d", told.Name, told.Quota, wholeSeconds(told.Window)), fmt.Sprintf("%q;r=0;t=%d", told.Name, wholeSeconds(v.RetryAfter)))
	return rateLimited(v, fmt.Sprintf("too much was saved from this network address: %d MB a day (STORE_LIMIT_MB_PER_DAY)", told.Quota/megabyte))
}

// payers returns the clients that a model call counts for. Anyone can create an account, so its address counts too.
func (s *Server) payers(c *fiber.Ctx) []string {
	switch {
	case s.o.Admission.Calls == nil:
		return nil
	case s.o.Accounts != nil:
		return []string{s.countedAs(c), "address " + s.client(c)}
	default:
		return []string{s.countedAs(c)}
	}
}
