package limit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"studysharper/app/redisconn"
	"studysharper/app/study"
)

// takeWithin is how long a request waits to be counted over all instances.
const takeWithin = 50 * time.Millisecond

// Redis is a Counter over all instances. A client is one key with the hash of its name,
// which expires when the client has its whole quota again. The time is Redis's own, so
// that no instance's clock matters. It counts in microseconds, for scripts reckon in
// doubles. Errors are those of redisconn.Conn.Do.
type Redis struct {
	conn   *redisconn.Conn
	within time.Duration // takeWithin, but in tests
}

// NewRedis makes a counter on a connection.
func NewRedis(conn *redisconn.Conn) *Redis { return &Redis{conn, takeWithin} }

// taking is judge, in the place where no other request comes between. Arguments: quota
// and microseconds per request of each policy, then, to count nothing, one more. Answer: now, the wait, then each moment
// after it.
var taking = redis.NewScript(`
local time = redis.call('TIME')
local now, wait = time[1] * 1000000 + time[2], 0
local full, had = {}, redis.call('HMGET', KEYS[1], '1', '2')
local answer = {now, 0}
for i = 1, math.floor(#ARGV / 2) do
	local quota, every = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
	local latest = now + quota * every
	local at = math.min(math.max(tonumber(had[i] or now), now), latest)
	full[i], answer[2 + i] = at + every, at
	wait = math.max(wait, full[i] - latest)
end
answer[2] = wait
if wait == 0 and #ARGV % 2 == 0 then
	local last = now
	for i = 1, #full do
		redis.call('HSET', KEYS[1], tostring(i), string.format('%.0f', full[i]))
		answer[2 + i] = full[i]
		last = math.max(last, full[i])
	end
	redis.call('PEXPIRE', KEYS[1], math.ceil((last - now) / 1000))
end
return answer`)

// Take implements Counter.
func (r *Redis) Take(ctx context.Context, client string, policies []Policy) (Verdict, error) {
	return r.run(ctx, client, policies)
}

// Peek implements Counter.
func (r *Redis) Peek(ctx context.Context, client string, policies []Policy) (Verdict, error) {
	return r.run(ctx, client, policies, "peek")
}

func (r *Redis) run(ctx context.Context, client string, policies []Policy, more ...any) (Verdict, error) {
	if len(policies) > maxPolicies {
		return Verdict{}, study.Errorf(study.CodeInternal, "more than %d policies", maxPolicies)
	}
	args := make([]any, 0, 2*maxPolicies+1)
	for _, p := range policies {
		args = append(args, p.Quota, p.inMicros().every())
	}
	args = append(args, more...)
	ctx, cancel := context.WithTimeout(ctx, r.within)
	defer cancel()
	var answer []int64
	err := r.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) (err error) {
		answer, err = taking.Run(ctx, c, []string{clientKey(client)}, args...).Int64Slice()
		return err
	})
	if err != nil {
		return Verdict{}, err
	}
	if len(answer) != 2+len(policies) {
		return Verdict{}, study.Errorf(study.CodeInternal, "Redis counted %d policies of %d", len(answer)-2, len(policies))
	}
	return verdict(policies, answer[0], answer[1], answer[2:]), nil
}

// verdict reads the script's answer.
func verdict(policies []Policy, now, wait int64, full []int64) Verdict {
	v := Verdict{OK: wait == 0, RetryAfter: time.Duration(wait) * time.Microsecond, Left: make([]Left, 0, len(policies))}
	for i, p := range policies {
		left := p.inMicros().left(full[i], now)
		v.Left = append(v.Left, Left{Policy: p, Remaining: left.Remaining, Reset: 1000 * left.Reset})
	}
	return v
}

// inMicros is the policy with its window counted in microseconds, rounded up.
func (p Policy) inMicros() Policy {
	p.Window = (p.Window + time.Microsecond - 1) / time.Microsecond
	return p
}

func clientKey(client string) string {
	sum := sha256.Sum256([]byte(client))
	return "studysharper:limit:" + hex.EncodeToString(sum[:16])
}

// First counts with Shared, and with Own when that cannot: while Redis is away each
// instance holds its clients to the limits by itself.
type First struct{ Shared, Own Counter }

// Take implements Counter.
func (f First) Take(ctx context.Context, client string, policies []Policy) (Verdict, error) {
	return f.ask(ctx, Counter.Take, client, policies)
}

// Peek implements Counter.
func (f First) Peek(ctx context.Context, client string, policies []Policy) (Verdict, error) {
	return f.ask(ctx, Counter.Peek, client, policies)
}

func (f First) ask(ctx context.Context, count func(Counter, context.Context, string, []Policy) (Verdict, error), client string, policies []Policy) (Verdict, error) {
	v, err := count(f.Shared, ctx, client, policies)
	if err == nil {
		return v, nil
	}
	if v, own := count(f.Own, ctx, client, policies); own == nil {
		return v, nil
	}
	return Verdict{}, fmt.Errorf("count a request: %w", err)
}
