package faults

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/fakellm"
)

const (
	// redisBack is the time after which all parts of both workers use Redis again once it is back; it takes a second on
	// an idle machine.
	redisBack = 5 * time.Second
	// redisMedian is far above what a request takes on a busy machine, and far below a Redis client's own timeouts.
	redisMedian   = 2 * time.Second
	redisPassword = "canary-of-redis"
	slowRuns      = 8
)

// redisFaults are faults of the Redis that the service uses.
var redisFaults = []fault{
	{id: "R1", what: "Redis is down at the start", sees: "nothing; `/health` says `degraded`", lost: "nothing", well: redisBack, test: redisAbsent},
	{id: "R2", what: "Redis is killed under load and restarted empty", sees: "open streams pause; some get a `gap` and the whole answer", lost: "cached answers, and events of streams with a gap", well: redisBack, test: redisKilled},
	{id: "R3", what: "Redis is restarted, empty, in the middle of runs", sees: "open streams pause; then a `gap` and the whole answer", lost: "events of streams with a gap", well: redisBack, test: redisRestarted},
	{id: "R4", what: "Redis is frozen under load", sees: "open streams pause; some get a `gap` and the whole answer", lost: "events of streams with a gap", well: redisBack, test: redisFrozen},
	{id: "R5", what: "a reply of Redis is lost", sees: "nothing: no event twice", lost: "nothing", held: "app/cluster/journal.TestAnAppendWhoseReplyIsLostIsNoSecondEvent"},
	{id: "R6", what: "Redis is full and evicts nothing", sees: "nothing; a stream whose run began in Redis may pause until there is memory", lost: "nothing", well: redisBack, test: redisFull},
	{id: "R7", what: "a Sentinel makes a replica the master", sees: "nothing, or a `gap`", lost: "events that the replica had not received", well: 3 * time.Second, held: "app/cluster/journal.TestRunsContinueWhenASentinelMakesAReplicaTheMaster"},
	{id: "R8", what: "a cluster loses all its data", sees: "open streams pause; then a `gap` and the whole answer", lost: "events of streams with a gap", held: "app/cluster/journal.TestRunsContinueWhenAClusterLosesAllItHeld"},
	{id: "R9", what: "more callers wait for Redis than there are connections", sees: "nothing", lost: "nothing", held: "app/cluster/conn.TestThePoolIsBounded"},
	{id: "R10", what: "a connection to Redis is half open", sees: "nothing", lost: "nothing", well: time.Second, held: "app/cluster/cache.TestAHalfOpenConnectionCostsNothingAndIsBack"},
	{id: "R11", what: "Redis refuses the password", sees: "nothing: the start is refused, exit status 2, and the password is not shown", lost: "nothing", test: redisRefuses},
	{id: "R12", what: "the clock of Redis steps", sees: "nothing", lost: "nothing", held: "app/cluster/journal.TestAStepOfTheClockOfRedisKillsNobody"},
}

// withRedis starts a service with a Redis, and a model that follows the rules. Its workers are not recycled; a recycle
// during an outage is described in docs/operations.md.
func (i *incident) withRedis(redis *engine, rules ...fakellm.Rule) *scriptedModel {
	i.Helper()
	upstream := fakellm.New(fakellm.Options{Rules: rules})
	settings := upstreamSettings(i.serveUpstream(upstream) + "/v1")
	settings["REDIS_URL"], settings["MAX_REQUESTS"] = "redis://"+redis.address, "0"
	return &scriptedModel{Instance: i.startInstance(settings), i: i, upstream: upstream}
}

// healthy waits until all parts are healthy, and returns how long that took since a given time.
func (m *scriptedModel) healthy(since time.Time) {
	m.i.Helper()
	testkit.Eventually(m.i.T, "all parts are healthy", func() bool {
		for range 16 { // either worker may answer, and each has its own connection to Redis
			if m.state() != "healthy" {
				return false
			}
		}
		return true
	})
	m.i.recoveredAfter(time.Since(since))
}

// wantServed checks that a chat and a run's complete stream are served. A worker that has not noticed yet that Redis is
// back ends streams from the runs' records, after a gap.
func (m *scriptedModel) wantServed(n int) {
	m.i.Helper()
	if got, err := askChat(m.Instance.Service, n); err != nil || got.Status != http.StatusOK {
		m.i.Errorf("a chat: %v, status %d: %s", err, got.Status, got.Body)
	}
	n += 1_000_000
	testkit.Eventually(m.i.T, "a run has every event once", func() bool {
		n++
		return m.runWhole(n) == nil
	})
}

// runWhole starts a run and returns what its stream lacks.
func (m *scriptedModel) runWhole(n int) error {
	events, text, err := runToEnd(m.Instance.Service, chat(n))
	if err == nil {
		_, err = terminalEvent(events)
	}
	for at, e := range events {
		if e.Seq != at+1 || e.Type == "gap" || e.Type == "error" {
			err = fmt.Errorf("event %d is %+v", at+1, e)
			break
		}
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	return nil
}

// underLoad makes clients start runs and chat during a fault: no request may fail, and every run must end with its
// answer. If Redis cannot deliver events, streams are ended from the runs' records, after a gap.
func (m *scriptedModel) underLoad(happens func()) {
	m.i.Helper()
	address := func() string { return m.URL }
	students := &harness.RunClients{Post: address, Read: address, GapsAllowed: true}
	stop := make(chan struct{})
	all := students.Start(4, stop)
	chats := m.i.startClients(4, func(n int) (harness.Answer, error) { return askChat(m.Instance.Service, n) })
	happens()
	close(stop)
	all.Wait()
	m.i.wantNoneRefused(chats, redisMedian)
	m.i.note("%d runs seen to their end", students.Runs.Load())
	students.WantComplete(m.i.T, m.i.fault.what, 0)
}

func redisAbsent(i *incident) {
	redis := i.redis()
	redis.kill()
	m := i.withRedis(redis)
	if m.state() != "degraded" {
		i.Error("health is not degraded")
	}
	m.underLoad(func() { testkit.Pause(time.Second) })
	redis.back()
	m.healthy(time.Now())
	m.wantServed(1)
}

// killedTwice causes two outages of a second each.
func (m *scriptedModel) killedTwice(redis *engine) {
	for range 2 {
		testkit.Pause(500 * time.Millisecond)
		redis.kill()
		testkit.Pause(time.Second)
		redis.back()
		m.healthy(time.Now())
	}
}

func redisKilled(i *incident) {
	redis := i.redis()
	m := i.withRedis(redis)
	m.underLoad(func() { m.killedTwice(redis) })
	m.wantServed(1)
}

func redisRestarted(i *incident) {
	redis := i.redis()
	m := i.withRedis(redis, fakellm.Rule{TokensPerSecond: 8})
	address := func() string { return m.URL }
	students := &harness.RunClients{Post: address, Read: address, GapsAllowed: true}
	stop := make(chan struct{})
	all := students.Start(slowRuns, stop)
	testkit.Pause(time.Second) // during answers that take longer
	redis.kill()
	redis.back()
	m.healthy(time.Now())
	close(stop)
	all.Wait() // the runs' ends, which do not depend on Redis
	students.WantComplete(m.i.T, m.i.fault.what, 0)
	m.wantServed(100)
}

func redisFrozen(i *incident) {
	redis := i.redis()
	m := i.withRedis(redis)
	m.underLoad(func() {
		testkit.Pause(500 * time.Millisecond)
		redis.freeze()
		testkit.Pause(2 * time.Second)
		redis.thaw()
		m.healthy(time.Now())
	})
	m.wantServed(1)
}

func redisFull(i *incident) {
	redis := i.redis("--maxmemory", "4mb", "--maxmemory-policy", "noeviction")
	m := i.withRedis(redis)
	client := goredis.NewClient(&goredis.Options{Addr: redis.address})
	defer client.Close()
	ctx := context.WithoutCancel(i.Context())
	m.underLoad(func() {
		testkit.Pause(500 * time.Millisecond)
		var ballast []string
		for full := false; !full; {
			key := fmt.Sprint("ballast", len(ballast))
			full = client.Set(ctx, key, strings.Repeat("x", 16<<10), 0).Err() != nil
			ballast = append(ballast, key)
		}
		testkit.Pause(2 * time.Second)
		if err := client.Del(ctx, ballast...).Err(); err != nil {
			i.Error(err)
		}
		m.healthy(time.Now())
	})
	m.wantServed(1)
}

func redisRefuses(i *incident) {
	redis := i.redis("--requirepass", "another")
	status, log := i.startRefused(map[string]string{"REDIS_URL": "redis://:" + redisPassword + "@" + redis.address}, nil)
	if status != 2 {
		i.Errorf("exit status %d, want 2", status)
	}
	wantWords(i.T, log, "REDIS_URL", "WRONGPASS")
	i.wantAbsent("the log", log, redisPassword)
	if lines := strings.Count(log, "\n"); lines > 5 || slices.Contains(strings.Split(log, "\n"), "panic") {
		i.Errorf("the log is long:\n%s", log)
	}
}
