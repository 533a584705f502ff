package gate

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"studysharper/app/cluster/conn"
)

const (
	tellEvery  = time.Second     // between two reports of a process's number
	forgetDead = 5 * time.Second // after the last of them, a process counts no more
)

// Gate is a limit.Gate over all instances. Each process reports its own number: as a whole,
// so that a report lost or repeated does no harm, once a second, so that one that died is
// forgotten, and at every admission. While Redis does not answer the gate stands open, and
// the container's own bounds hold.
type Gate struct {
	conn   *conn.Conn
	key    string
	id     string
	most   int64
	own    func() int64
	within time.Duration // takeWithin, but in tests
	total  atomic.Int64

	mu sync.Mutex // one report or admission at a time: no number overtakes another
}

// New makes a gate for what the name says. most is how many may be held over all instances,
// 0 = any number; own tells how many this process holds.
func New(redis *conn.Conn, name string, most int, own func() int64) *Gate {
	return &Gate{conn: redis, key: "studysharper:gate:" + name, id: rand.Text(), most: int64(most), own: own, within: takeWithin}
}

// telling reports a number where the sum stays within the bound (0 = none), else one
// less. Answer: the sum with it, and whether it was within.
var telling = redis.NewScript(`
local now, sum = tonumber(redis.call('TIME')[1]), 0
for _, id in ipairs(redis.call('HKEYS', KEYS[1])) do
	local n, at = string.match(redis.call('HGET', KEYS[1], id), '^(%-?%d+) (%d+)$')
	if not n or tonumber(at) + tonumber(ARGV[4]) < now then
		redis.call('HDEL', KEYS[1], id)
	elseif id ~= ARGV[1] then
		sum = sum + tonumber(n)
	end
end
local own, most, within = tonumber(ARGV[2]), tonumber(ARGV[3]), 1
if most > 0 and sum + own > most then
	own, within = own - 1, 0
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d %d', own, now))
return {sum + own, within}`)

// Admit implements limit.Gate.
func (g *Gate) Admit(ctx context.Context, take func() bool) bool {
	if g.most == 0 {
		return take()
	}
	ctx, cancel := context.WithTimeout(ctx, g.within)
	defer cancel()
	g.mu.Lock()
	defer g.mu.Unlock()
	within, err := g.tell(ctx, g.own()+1, g.most)
	return (within || err != nil) && take()
}

// Total implements limit.Gate: as of the last report, and this process's own number while
// Redis does not answer.
func (g *Gate) Total() int64 {
	if g.conn.Up() {
		return max(g.total.Load(), g.own())
	}
	return g.own()
}

// tell reports a number; mu is held.
func (g *Gate) tell(ctx context.Context, own, most int64) (within bool, err error) {
	var answer []int64
	err = g.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) (err error) {
		answer, err = telling.Run(ctx, c, []string{g.key}, g.id, own, most, int(forgetDead/time.Second)).Int64Slice()
		return err
	})
	if err != nil || len(answer) != 2 {
		return true, err
	}
	g.total.Store(answer[0])
	return answer[1] == 1, nil
}

// Run reports once a second until ctx ends, and then takes this process off the count.
func (g *Gate) Run(ctx context.Context) error {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		g.report(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return g.leave()
		}
	}
}

// report tells this process's number as it is. Where that fails the next one may do better.
func (g *Gate) report(ctx context.Context) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, _ = g.tell(ctx, g.own(), 0)
}

func (g *Gate) leave() error {
	_ = g.conn.Do(context.Background(), func(ctx context.Context, c redis.UniversalClient) error {
		return c.HDel(ctx, g.key, g.id).Err()
	}) // else it is forgotten by itself
	return nil
}
