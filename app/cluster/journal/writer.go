package journal

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// newEpoch is a random one, short enough for a script to know it exactly.
func newEpoch() string { return epochText(stream.SharedEpoch + rand.Uint64()>>16) }

func parseEpoch(s string) (uint64, error) {
	epoch, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, errOdd
	}
	return epoch, nil
}

// send has what r has to send sent.
func (j *Journal) send(r *run) { j.sends[int(r.key.session[15])%workers].push(r) }

// flush sends what a run has to send, once, and reports whether it could.
func (j *Journal) flush(ctx context.Context, r *run) bool {
	if !j.conn.Writable() {
		return false
	}
	j.mu.Lock()
	abort, lost := r.abort, r.lost
	j.mu.Unlock()
	switch {
	case r.silent:
		return j.endSilent(ctx, r, !abort)
	case abort:
		_, err := j.call(ctx, j.scripts.abort, j.base(r.key.session), r.key.session.String(), r.key.run.String(), r.token)
		return !isUncertain(err)
	case lost:
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
		return j.acknowledge(r, n, a)
	case "LOST":
		return j.restore(ctx, r)
	default:
		j.refused(r, a)
		return true
	}
}

// endSilent ends a silent run in Redis. counted: it is one of the open runs here.
func (j *Journal) endSilent(ctx context.Context, r *run, counted bool) bool {
	_, err := j.call(ctx, j.scripts.release, j.base(r.key.session), r.key.session.String(), r.key.run.String())
	if err != nil {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if counted && r.done.IsZero() {
		j.open--
		r.done = time.Now()
		close(r.closed)
	}
	return true
}

// nextChunk is what is sent next. What was sent before without an answer comes again, and
// nothing with it: Redis knows the numbers of its last chunk only.
func (j *Journal) nextChunk(r *run) (args []any, n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	bytes := 0
	for n = r.sent; r.sent == 0 && n < len(r.queue) && n < chunkSize && bytes < j.chunkBytes(); n++ {
		bytes += len(r.queue[n].Fields)
	}
	r.sent = n
	args = []any{r.key.session.String(), r.key.run.String(), r.token, epochText(r.epoch), r.taken}
	for _, i := range r.queue[:n] {
		args = append(args, i.ord, string(i.Kind), []byte(i.Fields))
	}
	return args, n
}

// chunkBytes closes a chunk: one must not need all the room there is.
func (j *Journal) chunkBytes() int { return int(min(chunkBytes, j.o.MaxBytes/int64(j.o.buckets)/8)) }

// acknowledge moves the n first events of the queue to those kept, under their numbers.
func (j *Journal) acknowledge(r *run, n int, a *answer) bool {
	taken, chunkOrd, chunkSeq, head := a.number(), a.number(), a.number(), a.number()
	if a.err() != nil {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if r.lost {
		return true
	}
	for _, i := range r.queue[:n] {
		i.seq = chunkSeq + i.ord - chunkOrd
		if i.ord > taken {
			i.seq = head + i.ord - taken
		}
		if r.first == 0 {
			r.first = i.seq
		}
		r.head, r.taken = max(r.head, i.seq), i.ord
		r.keep(i)
		r.counted(-i.cost(), -1)
	}
	if n > 0 {
		r.chunk = strconv.FormatUint(r.queue[0].ord, 10) + "-" + strconv.FormatUint(r.kept[len(r.kept)-n].seq, 10)
	}
	r.shed()
	r.advance(n)
	return true
}

// advance takes n events off the queue.
func (r *run) advance(n int) {
	r.queue = slices.Delete(r.queue, 0, n)
	r.sent = 0
	close(r.moved)
	r.moved = make(chan struct{})
	switch {
	case len(r.queue) > 0:
		r.journal.send(r)
	case r.over != nil && r.done.IsZero():
		r.journal.end(r)
	}
}

// keep keeps an acknowledged event, within the run's bounds.
func (r *run) keep(i item) {
	r.kept = append(r.kept, i)
	r.keeps += i.cost()
	r.journal.stats.KeptBytes += i.cost()
}

// shed gives up kept events past the bounds, the newest chunk of this run aside: all of
// runs that are over first.
func (r *run) shed() {
	j, n := r.journal, 0
	for j.stats.KeptBytes > j.o.MaxKeptBytes && len(j.ended) > 0 {
		j.release(j.ended[0])
		j.ended = slices.Delete(j.ended, 0, 1)
	}
	for n < len(r.kept)-chunkSize && (len(r.kept)-n > j.o.MaxEvents || r.keeps > keptBytes || j.stats.KeptBytes > j.o.MaxKeptBytes) {
		r.keeps -= r.kept[n].cost()
		j.stats.KeptBytes -= r.kept[n].cost()
		n++
	}
	r.kept = slices.Delete(r.kept, 0, n)
}

// end follows the acknowledgement of a run's last event: it is kept for a while.
func (j *Journal) end(r *run) {
	j.open--
	r.done = time.Now()
	close(r.closed)
	j.ended = append(j.ended, r)
	j.forgetEnded(r.done)
}

// forgetEnded forgets runs that ended long ago, and the oldest past the bound.
func (j *Journal) forgetEnded(now time.Time) {
	for len(j.ended) > 0 && (len(j.ended) > keptEnded || now.Sub(j.ended[0].done) > keptFor) {
		r := j.ended[0]
		j.ended = slices.Delete(j.ended, 0, 1)
		j.release(r)
	}
}

// release forgets what a run has kept.
func (j *Journal) release(r *run) {
	if j.runs[r.key] == r {
		delete(j.runs, r.key)
	}
	r.counted(-r.held, -len(r.queue))
	j.stats.KeptBytes -= r.keeps
	r.keeps, r.kept, r.queue, r.sent = 0, nil, nil, 0
}

// lose ends a run against its writer's will.
func (j *Journal) lose(r *run, why *study.Error, d *due) {
	if r.lost || !r.done.IsZero() {
		return
	}
	told := r.over == nil && r.onLost != nil
	r.over, r.lost, r.done = why, true, time.Now()
	j.open--
	j.release(r)
	close(r.closed)
	if told {
		*d = append(*d, func() { r.onLost(why) })
	}
}

// finish is lose for a process that leaves: the run's readers are told by an error event.
func (j *Journal) finish(r *run, why *study.Error, d *due) {
	if r.over != nil {
		return
	}
	r.put(stream.ErrorEvent(stream.ErrBroke.Message, true))
	if r.onLost != nil {
		*d = append(*d, func() { r.onLost(why) })
	}
}

// refused ends a run that Redis will have nothing more of.
func (j *Journal) refused(r *run, a *answer) {
	why := stream.ErrGone
	if len(a.rest) > 0 {
		why = reason(a.text())
	}
	j.lost(r, why)
}

func (j *Journal) lost(r *run, why *study.Error) {
	var d due
	j.mu.Lock()
	j.lose(r, why, &d)
	j.mu.Unlock()
	d.settle()
}

// restore puts back a run that Redis has lost.
func (j *Journal) restore(ctx context.Context, r *run) bool {
	reply, err := j.call(ctx, j.scripts.restore, j.base(r.key.session), j.all(r)...)
	if err != nil {
		return false
	}
	a := newAnswer(reply)
	switch a.text() {
	case "OK":
		j.mu.Lock()
		defer j.mu.Unlock()
		j.stats.Restored++
		if len(r.queue) > 0 {
			j.send(r)
		}
		return true
	case "MOVED":
		return j.moved(r, a)
	default:
		j.refused(r, a)
		return true
	}
}

// all is what Redis needs to have the run again.
func (j *Journal) all(r *run) []any {
	j.mu.Lock()
	defer j.mu.Unlock()
	args := []any{
		r.key.session.String(), r.key.run.String(), r.token, epochText(r.epoch), r.owner,
		r.head, r.no, r.first, r.taken, flag(r.repeated), r.request, r.chunk,
	}
	for _, i := range r.kept {
		args = append(args, i.seq, string(i.Kind), []byte(i.Fields))
	}
	return args
}

// moved lets a run go on in a later life of its session: another run began before this
// one was put back. All its events are sent again.
func (j *Journal) moved(r *run, a *answer) bool {
	epoch, err := parseEpoch(a.text())
	if err != nil {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	r.epoch, r.taken, r.first, r.no, r.head, r.chunk = epoch, 0, 0, 0, 0, "0-0"
	for _, i := range r.kept {
		r.counted(i.cost(), 1)
	}
	r.queue = append(r.kept, r.queue...)
	j.stats.KeptBytes -= r.keeps
	r.kept, r.keeps, r.sent = nil, 0, 0
	if r.lost {
		j.release(r)
	} else {
		j.send(r)
	}
	return true
}
