package journal

import (
	"testing"

	"github.com/google/uuid"

	"studysharper/app/stream"
	"studysharper/app/study"
	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
)

func TestADeadProcesssSilentRunLeavesItsSessionFree(t *testing.T) {
	server := redistest.Start(t)
	living := started(t, server.URL(), leaseOptions())
	info := runInfo()
	dead := child(t, server.URL(), info, "silent")
	next := info
	next.Run = uuid.NewString()
	if _, err := living.Begin(t.Context(), next); study.AsError(err) == nil || study.AsError(err).Run != info.Run {
		t.Fatalf("beside it: %v, want a conflict with %s", err, info.Run)
	}
	if err := dead.Kill(); err != nil {
		t.Fatal(err)
	}
	var w stream.Writer
	testkit.Eventually(t, "the session is free", func() (free bool) {
		var err error
		w, err = living.Begin(t.Context(), next)
		return err == nil
	})
	say(t, w, study.Event{Kind: study.KindComplete})
	if n := living.Stats().Runs; n != 0 {
		t.Errorf("%d runs are open behind the end", n)
	}
}

func TestASilentRunWhoseEndRedisMissesIsEndedWhenRedisIsBack(t *testing.T) {
	hurried(t)
	server := redistest.Start(t)
	j := started(t, server.URL(), Options{})
	info := runInfo()
	info.Silent = true
	w, err := j.Begin(t.Context(), info)
	if err != nil {
		t.Fatal(err)
	}
	server.Freeze(t)
	testkit.Eventually(t, "Redis is known to be away", func() bool { return !j.conn.Up() })
	say(t, w, study.Event{Kind: study.KindComplete}) // does not wait for Redis
	server.Thaw(t)
	info.Run = uuid.NewString()
	testkit.Eventually(t, "the session is free", func() bool {
		_, err := j.Begin(t.Context(), info)
		return err == nil
	})
}
