package journal

import (
	"context"
	"fmt"

	"studysharper/app/stream"
)

// Begin implements stream.Journal. It takes one or two round trips, and fails at once while Redis is unreachable.
func (j *Journal) Begin(ctx context.Context, info stream.RunInfo) (stream.Writer, error) {
	session, id, err := info.Parse()
	if err != nil {
		return nil, err
	}
	r := &run{
		journal: j, key: runKey{session, id}, owner: info.Owner, repeated: info.Takeover, onLost: info.OnLost,
		silent: info.Silent, closed: make(chan struct{}), moved: make(chan struct{}),
	}
	if len(info.Request) > 0 && len(info.Request) <= stream.MaxRequestBytes && !info.Takeover && !info.Silent {
		r.request = info.Request
	}
	if err := j.admit(r); err != nil {
		return nil, err
	}
	if err = j.ensureLease(ctx); err == nil {
		err = j.announce(ctx, r)
	}
	if err != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.open--
		return nil, err
	}
	return r, nil
}

// admit counts r among this process's runs, if there is room.
func (j *Journal) admit(r *run) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.stopped {
		return errStopped
	}
	if j.open >= j.o.MaxRuns {
		return errRuns
	}
	j.open++
	j.number++
	r.token = fmt.Sprintf("%s/%d", j.id, j.number)
	return nil
}

// announce begins r in Redis. If it is uncertain whether Redis has begun the run, the run is aborted later.
func (j *Journal) announce(ctx context.Context, r *run) error {
	up := j.conn.Up()
	var reply any
	var err error
	if r.repeated {
		reply, err = j.direct1(ctx, j.scripts.adopt, r.key.session, r.key.session.String(), r.key.run.String(), r.owner, r.token)
	} else {
		reply, err = j.direct1(ctx, j.scripts.begin, r.key.session, r.key.session.String(), r.key.run.String(), r.owner, r.token, newEpoch(), r.request, flag(r.silent))
	}
	if err != nil {
		if up && isUncertain(err) {
			j.takeBack(r)
		}
		return err
	}
	a := newAnswer(reply)
	switch a.text() {
	case "OK":
	case "GONE":
		return stream.ErrGone
	case "TAKEN":
		return stream.ErrTaken
	case "BEGUN":
		return errRunBegun
	case "BUSY":
		return stream.ErrBusy(a.text())
	case "FULL":
		return errFull
	}
	if r.silent {
		return nil
	}
	epoch := a.text()
	r.taken, r.first = a.number(), a.number()
	r.last = r.taken
	if err := a.err(); err != nil {
		return err
	}
	return j.register(r, epoch)
}

// flag encodes a bool for scripts.
func flag(b bool) string { return map[bool]string{true: "1"}[b] }

// takeBack aborts a run that may have begun in Redis.
func (j *Journal) takeBack(r *run) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r.abort, r.over = true, stream.ErrBroke
	j.send(r)
}

func (j *Journal) register(r *run, epoch string) (err error) {
	var d due
	defer func() { d.settle() }()
	j.mu.Lock()
	defer j.mu.Unlock()
	if r.epoch, err = parseEpoch(epoch); err != nil {
		return err
	}
	if j.stopped {
		return errStopped // the process gives up its lease, and with it the run
	}
	if old := j.runs[r.key]; old != nil {
		j.lose(old, stream.ErrBroke, &d) // the old writer was declared dead, and its run is rerun here
	}
	j.runs[r.key] = r
	return nil
}
