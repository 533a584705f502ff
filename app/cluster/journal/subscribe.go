package journal

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"studysharper/app/stream"
)

// onMessage handles a message published by the function tell in common.lua.
func (j *Journal) onMessage(message string) {
	f := strings.Fields(message)
	if len(f) < 3 {
		return
	}
	if f[0] == "c" && j.o.Cancelled != nil {
		j.o.Cancelled(f[2])
		return
	}
	session, err := uuid.Parse(f[1])
	if err != nil {
		return
	}
	switch {
	case f[0] == "o":
		j.onOrphan(orphanKey{f[1], f[2]})
	case f[0] == "l" && len(f) == 4:
		j.onLost(session, f[2], f[3])
	case len(f) == 4:
		j.onChange(f[0], session, f[2], f[3])
	}
}

// onChange queues a read of a session that has changed, and ends the runs of a session that was dropped.
func (j *Journal) onChange(kind string, session uuid.UUID, life, newest string) {
	epoch, errEpoch := parseEpoch(life)
	head, errHead := parseEpoch(newest)
	if errEpoch != nil || errHead != nil {
		return
	}
	var d due
	j.mu.Lock()
	if s := j.watches[session]; s != nil && (kind != "e" || !s.fresh || epoch != s.epoch || head > s.head) {
		s.fresh = false
		if len(s.waiters) > 0 || s.served {
			j.looks.push(s)
		}
	}
	for _, r := range j.runs {
		if kind == "d" && r.key.session == session && r.epoch == epoch {
			j.lose(r, stream.ErrGone, &d)
		}
	}
	j.mu.Unlock()
	d.settle()
}

// onLost ends a run of this process, which was wrongly declared dead: another process may take the run over.
func (j *Journal) onLost(session uuid.UUID, id, token string) {
	run, err := uuid.Parse(id)
	if err != nil {
		return
	}
	j.mu.Lock()
	r := j.runs[runKey{session, run}]
	j.mu.Unlock()
	if r != nil && r.token == token {
		j.lost(r, stream.ErrBroke)
	}
}

// onOrphan queues an orphan. Redis repeats the message until the orphan expires.
func (j *Journal) onOrphan(key orphanKey) {
	if j.o.Orphaned == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, known := j.offered[key]; known || j.stopped {
		return
	}
	select {
	case j.offers <- key:
		j.offered[key] = time.Now()
	default:
	}
}

// offerOrphans passes orphans to Options.Orphaned until ctx ends.
func (j *Journal) offerOrphans(ctx context.Context) {
	for {
		select {
		case key := <-j.offers:
			j.offerOrphan(ctx, key)
		case <-ctx.Done():
			return
		}
	}
}

func (j *Journal) offerOrphan(ctx context.Context, key orphanKey) {
	session, err := uuid.Parse(key.session)
	if err != nil {
		return
	}
	reply, err := j.call(ctx, j.scripts.offer, j.base(session), key.session, key.run)
	if err != nil {
		j.mu.Lock()
		delete(j.offered, key)
		j.mu.Unlock()
		return
	}
	a := newAnswer(reply)
	owner, request := a.text(), a.text()
	if a.err() == nil {
		j.o.Orphaned(stream.Orphan{Session: key.session, Run: key.run, Owner: owner, Request: []byte(request)})
	}
}
