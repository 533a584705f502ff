package journal

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// newEpoch returns a random epoch that Lua's numbers represent exactly.
func newEpoch() string { return epochText(stream.SharedEpoch + rand.Uint64()>>16) }

func parseEpoch(s string) (uint64, error) {
	epoch, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, errOdd
	}
	return epoch, nil
}

// send queues r for its sender.
func (j *Journal) send(r *run) { j.sends[int(r.key.session[15])%workers].push(r) }

// flush sends the next events of a run, once, and reports whether that worked.
func (j *Journal) flush(ctx context.Context, r *run) bool {
	if !j.conn.Writable() {
		return false
	}
	j.mu.Lock()
	abort, done := r.abort, r.done
	j.mu.Unlock()
	switch {
	case r.silent:
		return j.endSilent(ctx, r, !abort)
	case abort:
		_, err := j.call(ctx, j.scripts.abort, j.base(r.key.session), r.key.session.String(), r.key.run.String(), r.token)
		return !isUncertain(err)
	case done:
		return true
	}
	args, n := j.nextChunk(r)
	reply, err := j.call(ctx, j.scripts.append, j.base(r.key.session), args...)
	if err != nil {
		return false
	}
	a := newAnswer(reply)
	switch a.text() {
	case "OK":
		j.acknowledge(r, n)
	case "LOST":
		j.detach(r)
	case "OVER":
		j.lost(r, stream.ErrBroke)
	default:
		j.lost(r, stream.ErrGone)
	}
	return true
}

// endSilent ends a silent run in Redis. counted means that it is one of this process's open runs.
func (j *Journal) endSilent(ctx context.Context, r *run, counted bool) bool {
	_, err := j.call(ctx, j.scripts.release, j.base(r.key.session), r.key.session.String(), r.key.run.String())
	if err != nil {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if counted && !r.done {
		r.finished()
	}
	return true
}

// nextChunk returns the arguments of the next call, and its number of events. Events that were sent but not
// acknowledged are sent again.
func (j *Journal) nextChunk(r *run) (args []any, n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	bytes := 0
	for n < len(r.queue) && (n < r.sent || n < chunkSize && bytes < j.chunkBytes()) {
		bytes += len(r.queue[n].Fields)
		n++
	}
	r.sent = n
	args = []any{r.key.session.String(), r.key.run.String(), r.token, epochText(r.epoch), r.taken}
	for _, e := range r.queue[:n] {
		args = append(args, e.Seq, string(e.Kind), []byte(e.Fields))
	}
	return args, n
}

// chunkBytes returns the size of a chunk, which must not need all the room in a bucket.
func (j *Journal) chunkBytes() int { return int(min(chunkBytes, j.o.MaxBytes/int64(j.o.buckets)/8)) }

// acknowledge removes the first n events from the queue, because Redis has them.
func (j *Journal) acknowledge(r *run, n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if r.lost {
		return
	}
	for _, e := range r.queue[:n] {
		r.taken = e.Seq
		r.counted(-cost(e), -1)
	}
	r.queue = slices.Delete(r.queue, 0, n)
	r.sent = 0
	close(r.moved)
	r.moved = make(chan struct{})
	switch {
	case len(r.queue) > 0:
		j.send(r)
	case r.over != nil && !r.done:
		r.finished()
	}
}

// finished cleans up after the end of a run, however it ended.
func (r *run) finished() {
	j := r.journal
	r.done = true
	j.open--
	if j.runs[r.key] == r {
		delete(j.runs, r.key)
	}
	r.counted(-r.held, -len(r.queue))
	r.queue, r.sent = nil, 0
	close(r.closed)
}

// lose ends a run that its writer has not ended.
func (j *Journal) lose(r *run, why *study.Error, d *due) {
	if r.done {
		return
	}
	told := r.over == nil && r.onLost != nil
	r.over, r.lost = why, true
	r.finished()
	if told {
		*d = append(*d, func() { r.onLost(why) })
	}
}

// finish ends a run like lose, because the process is stopping; an error event informs the run's readers.
func (j *Journal) finish(r *run, why *study.Error, d *due) {
	if r.over != nil {
		return
	}
	r.put(stream.ErrorEvent(stream.ErrBroke.Message, true))
	if r.onLost != nil {
		*d = append(*d, func() { r.onLost(why) })
	}
}

// detach lets a run continue after Redis has lost it. Its readers are answered from its record.
func (j *Journal) detach(r *run) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !r.done {
		r.detached = true
		j.stats.Detached++
		r.finished()
	}
}

func (j *Journal) lost(r *run, why *study.Error) {
	var d due
	j.mu.Lock()
	j.lose(r, why, &d)
	j.mu.Unlock()
	d.settle()
}
