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
	reportEvery = time.Second     // how often a process reports its number
	forgetDead  = 5 * time.Second // after its last report, a process no longer counts
)

// Gate is a limit.Gate for all instances. At each admission and once a second, each process reports how many runs or
// streams it has open. A report is always the whole number, so a lost or repeated report does no harm and a dead
// process is forgotten. While Redis does not answer, the gate admits everything, and the container's own bounds apply.
type Gate struct {
	conn   *conn.Conn
	key    string
	id     string
	most   int64
	own    func() int64
	within time.Duration // takeWithin, except in tests
	total  atomic.Int64

	mu sync.Mutex // one report or admission at a time, so that they arrive in order
}

// New returns the gate called name. most limits the sum over all instances, 0 = no limit; own returns this process's
// number.
func New(redis *conn.Conn, name string, most int, own func() int64) *Gate {
	return &Gate{conn: redis, key: "studysharper:gate:" + name, id: rand.Text(), most: int64(most), own: own, within: takeWithin}
}

// reportScript stores a process's number, or one less if the sum would exceed the limit (0 = none). Result: the new
// sum, and whether the number was within the limit.
var reportScript = redis.NewScript(`
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
	within, err := g.send(ctx, g.own()+1, g.most)
	return (within || err != nil) && take()
}

// Total implements limit.Gate. It is the sum of the last report, or this process's number while Redis does not answer.
func (g *Gate) Total() int64 {
	if g.conn.Up() {
		return max(g.total.Load(), g.own())
	}
	return g.own()
}

// send reports a number. The caller holds mu.
func (g *Gate) send(ctx context.Context, own, most int64) (within bool, err error) {
	var answer []int64
	err = g.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) (err error) {
		answer, err = reportScript.Run(ctx, c, []string{g.key}, g.id, own, most, int(forgetDead/time.Second)).Int64Slice()
		return err
	})
	if err != nil || len(answer) != 2 {
		return true, err
	}
	g.total.Store(answer[0])
	return answer[1] == 1, nil
}

// Run reports once a second until ctx ends, and then removes this process from the count.
func (g *Gate) Run(ctx context.Context) error {
	tick := time.NewTicker(reportEvery)
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

// report sends this process's current number. A failed report is made up for by the next one.
func (g *Gate) report(ctx context.Context) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, _ = g.send(ctx, g.own(), 0)
}

func (g *Gate) leave() error {
	_ = g.conn.Do(context.Background(), func(ctx context.Context, c redis.UniversalClient) error {
		return c.HDel(ctx, g.key, g.id).Err()
	}) // if this fails, Redis forgets it after forgetDead
	return nil
}
