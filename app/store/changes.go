package store

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"time"

	"studysharper/app/study"
)

// maxTogether bounds the changes that one transaction makes.
const maxTogether = 64

// gatherFor is how long the writer rests after a transaction of several changes, so that the
// next has several too: beginning and committing one costs as much as a few of them.
const gatherFor = time.Millisecond

// change is one caller's part of a transaction. Its apply may be called twice: when
// another part of the transaction fails, all of it is undone.
type change struct {
	apply func(context.Context, tx) error
	err   error
	done  chan struct{} // closed once err is final

	mu        sync.Mutex // guards what follows
	begun     bool       // apply is called, and what it writes to is the writer's until done
	abandoned bool       // the caller has left before that
}

// made applies the change, unless its caller has left; a panic in it is its error, for
// the goroutine is not the caller's.
func (c *change) made(ctx context.Context, t tx) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = study.Errorf(study.CodeInternal, "a change panicked: %T", v)
		}
	}()
	if !c.begin() {
		return nil
	}
	return c.apply(ctx, t)
}

func (c *change) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun = !c.abandoned
	return c.begun
}

// undo makes the change one that has not begun.
func (c *change) undo() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun = false
}

// abandon reports whether the change will never be made.
func (c *change) abandon() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abandoned = !c.begun
	return c.abandoned
}

// changes wait for the one writer. What comes while it writes is made together, in the
// transaction after it: to begin and to commit one costs as much as a few changes do.
// The writer's goroutine lives while something waits.
type changes struct {
	mu      sync.Mutex // guards what follows
	waiting []*change
	writing bool
}

// add lets a change wait, and reports whether a writer is to be started for it.
func (q *changes) add(c *change) (start bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, c)
	start, q.writing = !q.writing, true
	return start
}

// more reports whether changes wait. If none do, the writer has to end.
func (q *changes) more() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.writing = len(q.waiting) > 0
	return q.writing
}

// take gives the changes of the next transaction; none, where their callers have left.
func (q *changes) take() []*change {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), maxTogether)
	taken := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return taken
}

// withdraw takes a change off the list.
func (q *changes) withdraw(c *change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiting, c); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
}

// change implements engine: f is made in a transaction of the writer, with others'
// changes beside it. Once f has begun it is waited for, whatever ctx says.
func (s *sqlite) change(ctx context.Context, f func(context.Context, tx) error) error {
	wait, cancel := s.bounded(ctx)
	defer cancel()
	c := &change{apply: f, done: make(chan struct{})}
	if s.changes.add(c) {
		go s.writeAll()
	}
	select {
	case <-c.done:
		return c.err
	case <-wait.Done():
	}
	if c.abandon() {
		s.changes.withdraw(c)
		return s.fail(wait, context.Cause(wait))
	}
	<-c.done
	return c.err
}

// writeAll makes what waits, and ends when nothing does.
func (s *sqlite) writeAll() {
	for s.changes.more() {
		if made := s.writeTurn(); made > 1 {
			time.Sleep(gatherFor)
		}
	}
}

// writeTurn waits for this process's turn and makes what waits by then. A turn that does
// not come within the busy timeout is not waited for: callers have left by then.
func (s *sqlite) writeTurn() (made int) {
	ctx, cancel := s.bounded(context.Background())
	defer cancel()
	defer s.queue.enter(ctx)()
	batch := s.changes.take()
	if len(batch) > 0 {
		s.together(batch)
	}
	return len(batch)
}

// together makes changes in one transaction; if one of them cannot be made, each in
// one of its own.
func (s *sqlite) together(batch []*change) {
	ctx, cancel := s.bounded(context.Background())
	defer cancel()
	spoilt, err := s.transaction(ctx, batch)
	if spoilt && len(batch) > 1 {
		for _, c := range batch {
			c.undo()
		}
		for _, c := range batch {
			s.together([]*change{c})
		}
		return
	}
	for _, c := range batch {
		c.err = s.fail(ctx, err)
		close(c.done)
	}
}

// transaction begins, makes the changes and commits. Spoilt: a change failed.
func (s *sqlite) transaction(ctx context.Context, batch []*change) (spoilt bool, err error) {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close() }() // back to the pool, which deals with a broken one
	s.boundWAL(ctx, conn)
	begun, err := untilFree(ctx, func() (*sql.Tx, error) { return conn.BeginTx(ctx, nil) })
	if err != nil {
		return false, err
	}
	defer begun.Rollback() // does nothing after Commit
	for _, c := range batch {
		// Not to be cancelled: that takes SQLite a goroutine and a handler each statement.
		if err := c.made(context.WithoutCancel(ctx), sqliteTx{begun}); err != nil {
			return true, err
		}
	}
	return false, begun.Commit()
}
