package journal

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"studysharper/app/cluster/conn"
	"studysharper/app/study"
)

//go:embed lua/*.lua
var lua embed.FS

const (
	channel = "studysharper:journal" // announces every change of a session
	leases  = "studysharper:leases"  // the live processes, by the time of their last renewal
)

// scripts are the Lua scripts that change and read journals in Redis, one file each in lua/.
type scripts struct {
	begin, adopt, abort, release, append, read, drop, offer, sweep, lease *redis.Script
}

// load prepends the bounds and the shared code to each script.
func load(o Options) scripts {
	bounds := fmt.Sprintf("local MAX_EVENTS, SESSION_BYTES, BUCKET_BYTES, SESSIONS = %d, %d, %d, %d\n",
		o.MaxEvents, o.MaxSessionBytes, max(1, o.MaxBytes/int64(o.buckets)), max(1, o.MaxSessions/o.buckets)) +
		fmt.Sprintf("local STALE_MS, REPEAT_MS = %d, %d\n", milliseconds(o.StaleAfter), milliseconds(o.RepeatWithin))
	file := func(name string) string {
		text, err := lua.ReadFile("lua/" + name + ".lua")
		if err != nil {
			panic(err) // embedded files can always be read
		}
		return string(text)
	}
	common := bounds + file("common")
	script := func(name string) *redis.Script { return redis.NewScript(common + file(name)) }
	return scripts{
		begin: script("begin"), adopt: script("adopt"), abort: script("abort"), release: script("release"), append: script("append"),
		read: script("read"), drop: script("drop"), offer: script("offer"), sweep: script("sweep"), lease: redis.NewScript(file("lease")),
	}
}

func milliseconds(d time.Duration) int64 { return max(1, d.Milliseconds()) }

// base returns the prefix of all keys of a session; it determines their slot in a cluster.
func (j *Journal) base(session uuid.UUID) string {
	sum := 0
	for _, b := range session {
		sum = (sum*31 + int(b)) % 65_521
	}
	return j.bases[sum%len(j.bases)]
}

// call runs a script, for at most conn.Timeout.
func (j *Journal) call(ctx context.Context, s *redis.Script, base string, args ...any) (reply any, err error) {
	j.mu.Lock()
	j.stats.Scripts++
	j.mu.Unlock()
	err = j.conn.Do(ctx, func(ctx context.Context, r redis.UniversalClient) error {
		reply, err = s.Run(ctx, r, []string{base}, args...).Result()
		return err
	})
	if err != nil {
		return nil, study.Wrap(err, study.CodeUnavailable, "Redis rejected the command")
	}
	return reply, nil
}

// direct1 is call for callers of the journal. It limits how many of them use a connection at once.
func (j *Journal) direct1(ctx context.Context, s *redis.Script, session uuid.UUID, args ...any) (any, error) {
	if !j.conn.Up() {
		return nil, conn.ErrDown
	}
	select {
	case j.direct <- struct{}{}:
		defer func() { <-j.direct }()
	case <-ctx.Done():
		return nil, study.Wrap(context.Cause(ctx), study.CodeUnavailable, "the wait for the journal was ended")
	}
	return j.call(ctx, s, j.base(session), args...)
}

// answer reads a script's reply from its front. A missing value makes it odd.
type answer struct {
	rest []any
	odd  bool
}

func newAnswer(reply any) *answer {
	list, ok := reply.([]any)
	return &answer{rest: list, odd: !ok}
}

func (a *answer) next() (v any) {
	if len(a.rest) == 0 {
		a.odd = true
		return nil
	}
	v, a.rest = a.rest[0], a.rest[1:]
	return v
}

func (a *answer) text() string {
	s, ok := a.next().(string)
	a.odd = a.odd || !ok
	return s
}

func (a *answer) number() uint64 {
	n, ok := a.next().(int64)
	a.odd = a.odd || !ok || n < 0
	return uint64(max(0, n)) //nolint:gosec // not below zero
}

// err returns errOdd if a value was missing or had the wrong type.
func (a *answer) err() error {
	if a.odd {
		return errOdd
	}
	return nil
}

// epochText returns an epoch in the form that Redis stores.
func epochText(epoch uint64) string { return strconv.FormatUint(epoch, 10) }

// isUncertain reports whether a script that failed with err may have been executed.
func isUncertain(err error) bool {
	var refusal redis.Error
	return err != nil && !errors.As(err, &refusal)
}
