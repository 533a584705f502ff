package store

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// queueStuck is how long the first in the queue may take before the others pass it. It is
// stopped, or its transaction is large; the database's own lock still keeps writers apart.
const queueStuck = time.Second

// writeQueue gives the processes that share a database their turns to write, in the order
// in which they asked. SQLite does not: a process that looks at its lock in the right moment has
// it, and on a busy machine a process can miss that moment for seconds.
//
// A place in the queue is a locked byte of an empty file beside the database; the lowest
// is first. The locks belong to the open file (F_OFD_SETLK), so the kernel frees the place of
// a process that dies. The queue is for fairness only: a process that goes without it (the
// sqlite3 shell, or where the file cannot be made) still waits for the database's lock.
// One transaction at a time per writeQueue.
type writeQueue struct {
	path       string
	stuckAfter time.Duration

	open   sync.Once
	file   *os.File // nil: there is no queue
	passed int64    // no process waits for places up to this one; see queueStuck
}

// enter returns when it is this process's turn, or ctx ends. leave ends the turn.
func (q *writeQueue) enter(ctx context.Context) (leave func()) {
	q.open.Do(func() { q.file, _ = os.OpenFile(q.path, os.O_RDWR|os.O_CREATE, 0o600) })
	place, ok := q.take(ctx)
	if !ok {
		return func() {}
	}
	q.wait(ctx, place)
	return func() { _ = q.lock(unix.F_UNLCK, place) }
}

// take locks the place after the last one. Two processes that see the same last place try
// for the same byte, and one of them looks again.
func (q *writeQueue) take(ctx context.Context) (place int64, ok bool) {
	for q.file != nil && ctx.Err() == nil {
		place, ok = q.last()
		if !ok {
			return 0, false
		}
		place++
		err := q.lock(unix.F_WRLCK, place)
		if err == nil {
			return place, true
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) {
			return 0, false
		}
	}
	return 0, false
}

// wait waits until no place before ours is taken, those that are stuck left out.
func (q *writeQueue) wait(ctx context.Context, place int64) {
	if q.passed > 0 {
		if _, taken := q.first(1, q.passed); !taken {
			q.passed = 0
		}
	}
	var ahead int64
	var since time.Time
	for step := lockStep; ctx.Err() == nil; step = min(2*step, lockSteps) {
		first, taken := q.first(q.passed+1, place-1)
		switch {
		case !taken:
			return
		case first != ahead:
			ahead, since, step = first, time.Now(), lockStep
		case time.Since(since) > q.stuckAfter:
			q.passed = first
			continue
		}
		pause(ctx, step)
	}
}

// last is the highest place taken; 0 = none is. Where locks cannot be asked for, not ok.
func (q *writeQueue) last() (place int64, ok bool) {
	for {
		found, err := q.taken(place+1, 0)
		if err != nil {
			return 0, false
		}
		if found == 0 {
			return place, true
		}
		place = found
	}
}

// first is the lowest place that another process has in a range.
func (q *writeQueue) first(from, to int64) (place int64, taken bool) {
	for from <= to {
		found, err := q.taken(from, to-from+1)
		if err != nil || found == 0 {
			break
		}
		place, to = found, found-1
	}
	return place, place > 0
}

// taken is some place that another process has among n from one on; n = 0: among all.
func (q *writeQueue) taken(from, n int64) (place int64, err error) {
	l := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: from, Len: n}
	if err := q.ask(unix.F_OFD_GETLK, &l); err != nil || l.Type == unix.F_UNLCK {
		return 0, err
	}
	return l.Start, nil
}

func (q *writeQueue) lock(kind int16, place int64) error {
	l := unix.Flock_t{Type: kind, Whence: io.SeekStart, Start: place, Len: 1}
	return q.ask(unix.F_OFD_SETLK, &l)
}

// ask calls fcntl; a file that is closed meanwhile is an error, and not another file.
func (q *writeQueue) ask(command int, l *unix.Flock_t) error {
	raw, err := q.file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.FcntlFlock(fd, command, l) })
	return errors.Join(err, failed)
}

// close leaves the queue for good.
func (q *writeQueue) close() {
	q.open.Do(func() {})
	if q.file != nil {
		_ = q.file.Close()
	}
}
