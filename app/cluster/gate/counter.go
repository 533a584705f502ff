// Package gate implements the limits that all instances share through Redis: Counter limits the request rates of
// clients, Gate the number of open runs and streams. While Redis does not answer, each container counts for itself.
package gate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"studysharper/app/cluster/conn"
	"studysharper/app/limit"
	"studysharper/app/study"
)

// takeWithin bounds how long a request waits for Redis to count it.
const takeWithin = 50 * time.Millisecond

// Counter is a limit.Counter for all instances. Each client has one key, named by a hash, which expires when its quota
// is full again. Times are Redis's, so the instances' clocks do not matter. They are in microseconds, which a script's
// doubles represent exactly.
type Counter struct {
	conn   *conn.Conn
	own    limit.Counter
	within time.Duration // takeWithin, except in tests
}

// NewCounter returns a counter on a connection. own counts while Redis does not answer.
func NewCounter(redis *conn.Conn, own limit.Counter) *Counter {
	return &Counter{conn: redis, own: own, within: takeWithin}
}

// takeScript counts a request as limit.Table does. Arguments: each policy's quota and microseconds per request; with
// one more argument, it only checks and does not count. Result: the time, the wait, and for each policy when the
// client's quota is full again.
var takeScript = redis.NewScript(`
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

// Take implements limit.Counter.
func (c *Counter) Take(ctx context.Context, client string, policies []limit.Policy) (limit.Verdict, error) {
	v, err := c.run(ctx, client, policies)
	if err == nil {
		return v, nil
	}
	if v, failed := c.own.Take(ctx, client, policies); failed == nil {
		return v, nil
	}
	return limit.Verdict{}, fmt.Errorf("count a request: %w", err)
}

// Peek implements limit.Counter.
func (c *Counter) Peek(ctx context.Context, client string, policies []limit.Policy) (limit.Verdict, error) {
	if v, err := c.run(ctx, client, policies, "peek"); err == nil {
		return v, nil
	}
	return c.own.Peek(ctx, client, policies)
}

func (c *Counter) run(ctx context.Context, client string, policies []limit.Policy, more ...any) (limit.Verdict, error) {
	if len(policies) > limit.MaxPolicies {
		return limit.Verdict{}, study.Errorf(study.CodeInternal, "more than %d policies", limit.MaxPolicies)
	}
	args := make([]any, 0, 2*limit.MaxPolicies+1)
	for _, p := range policies {
		args = append(args, p.Quota, inMicros(p).Every())
	}
	args = append(args, more...)
	ctx, cancel := context.WithTimeout(ctx, c.within)
	defer cancel()
	var answer []int64
	err := c.conn.Do(ctx, func(ctx context.Context, r redis.UniversalClient) (err error) {
		answer, err = takeScript.Run(ctx, r, []string{clientKey(client)}, args...).Int64Slice()
		return err
	})
	if err != nil {
		return limit.Verdict{}, err
	}
	if len(answer) != 2+len(policies) {
		return limit.Verdict{}, study.Errorf(study.CodeInternal, "Redis counted %d policies of %d", len(answer)-2, len(policies))
	}
	return verdict(policies, answer[0], answer[1], answer[2:]), nil
}

// verdict parses the script's result.
func verdict(policies []limit.Policy, now, wait int64, full []int64) limit.Verdict {
	v := limit.Verdict{OK: wait == 0, RetryAfter: time.Duration(wait) * time.Microsecond, Left: make([]limit.Left, 0, len(policies))}
	for i, p := range policies {
		left := inMicros(p).Left(full[i], now)
		v.Left = append(v.Left, limit.Left{Policy: p, Remaining: left.Remaining, Reset: 1000 * left.Reset})
	}
	return v
}

// inMicros returns the policy with its window in microseconds, rounded up.
func inMicros(p limit.Policy) limit.Policy {
	p.Window = (p.Window + time.Microsecond - 1) / time.Microsecond
	return p
}

func clientKey(client string) string {
	sum := sha256.Sum256([]byte(client))
	return "studysharper:limit:" + hex.EncodeToString(sum[:16])
}
