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

// queueStuck is how long the first process in the queue may take before the others overtake it. Such a process is
// stopped, or its transaction is large; the database's own lock still protects the data.
const queueStuck = time.Second

// writeQueue makes the processes that share a database write in the order in which they queued. SQLite does not:
// whichever process polls the lock at the right moment gets it, so on a busy machine one process can starve for
// seconds.
//
// A place in the queue is a locked byte of an empty file next to the database; the lowest place is first. The locks
// belong to the open file (F_OFD_SETLK), so the kernel frees the place of a process that dies. The queue only provides
// fairness: a process that does not use it (the sqlite3 shell, or one that cannot create the file) still waits for the
// database's lock. A writeQueue supports one transaction at a time.
type writeQueue struct {
	path       string
	stuckAfter time.Duration

	open   sync.Once
	file   *os.File // nil: there is no queue
	passed int64    // places up to this one are not waited for; see queueStuck
}

// enter returns when it is this process's turn, or when ctx ends. leave ends the turn.
func (q *writeQueue) enter(ctx context.Context) (leave func()) {
	q.open.Do(func() { q.file, _ = os.OpenFile(q.path, os.O_RDWR|os.O_CREATE, 0o600) })
	place, ok := q.take(ctx)
	if !ok {
		return func() {}
	}
	q.wait(ctx, place)
	return func() { _ = q.lock(unix.F_UNLCK, place) }
}

// take locks the place after the last one. If two processes find the same last place, only one of them gets the next
// byte, and the other retries.
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

// wait returns when every place before ours is free or stuck, or when ctx ends.
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

// last returns the highest taken place; 0 if none is. ok is false where locks are not supported.
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

// first returns the lowest place in a range that another process has taken.
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

// taken returns any place that another process has taken, among n places from from on; n = 0: among all.
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

// ask calls fcntl. It fails if the file was closed in the meantime, and never reaches another file with the same
// descriptor.
func (q *writeQueue) ask(command int, l *unix.Flock_t) error {
	raw, err := q.file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.FcntlFlock(fd, command, l) })
	return errors.Join(err, failed)
}

// close releases the file; later calls of enter return at once.
func (q *writeQueue) close() {
	q.open.Do(func() {})
	if q.file != nil {
		_ = q.file.Close()
	}
}
