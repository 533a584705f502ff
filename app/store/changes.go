package store

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"time"

	"studysharper/app/study"
)

// maxTogether is the most changes that one transaction applies.
const maxTogether = 64

// After a transaction with several changes, the writer waits for gatherFor for each of them, at most gatherMost, so that the
// next one has several too: beginning and committing a transaction costs as much as a few changes, and changes that share a
// page write it once.
const (
	gatherFor  = 500 * time.Microsecond
	gatherMost = 6 * time.Millisecond
)

// change is one caller's part of a transaction. apply may be called twice: when another part of the transaction fails,
// the whole transaction is rolled back and each change gets its own.
type change struct {
	apply func(context.Context, tx) error
	err   error
	done  chan struct{} // closed once err is final

	mu        sync.Mutex // guards the fields below
	begun     bool       // apply was called: until done is closed, its variables belong to the writer
	abandoned bool       // the caller left before apply was called
}

// tryApply applies the change, unless its caller has left. A panic becomes the change's error, because this goroutine is not
// the caller's.
func (c *change) tryApply(ctx context.Context, t tx) (err error) {
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

// undo marks the change as not begun.
func (c *change) undo() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun = false
}

// abandon marks the change as abandoned unless it has begun, and reports whether it did.
func (c *change) abandon() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abandoned = !c.begun
	return c.abandoned
}

// changes is the queue of the one writer. Changes that arrive during a transaction share the next one, because beginning
// and committing a transaction costs as much as a few changes. The writer's goroutine ends when the queue is empty.
type changes struct {
	mu      sync.Mutex // guards the fields below
	waiting []*change
	writing bool
}

// add queues a change and reports whether the caller must start the writer.
func (q *changes) add(c *change) (start bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, c)
	start, q.writing = !q.writing, true
	return start
}

// more reports whether changes are waiting. If it returns false, the writer must end.
func (q *changes) more() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.writing = len(q.waiting) > 0
	return q.writing
}

// take removes and returns the changes of the next transaction; none if all of their callers have left.
func (q *changes) take() []*change {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), maxTogether)
	taken := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return taken
}

// withdraw removes a change from the queue.
func (q *changes) withdraw(c *change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiting, c); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
}

// change implements engine. f shares a transaction with other callers' changes. Once f has begun, change waits for its
// end even if ctx ends first.
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

// writeAll applies queued changes until there are none.
func (s *sqlite) writeAll() {
	for s.changes.more() {
		if n := s.writeTurn(); n > 1 {
			time.Sleep(min(time.Duration(n)*gatherFor, gatherMost))
		}
	}
}

// writeTurn waits for this process's turn and applies the changes that are queued by then. It gives up after the busy
// timeout, when the callers have given up too.
func (s *sqlite) writeTurn() (applied int) {
	ctx, cancel := s.bounded(context.Background())
	defer cancel()
	defer s.queue.enter(ctx)()
	batch := s.changes.take()
	if len(batch) > 0 {
		s.applyBatch(batch)
	}
	return len(batch)
}

// applyBatch applies changes in one transaction. If one of them fails, each gets a transaction of its own.
func (s *sqlite) applyBatch(batch []*change) {
	ctx, cancel := s.bounded(context.Background())
	defer cancel()
	failed, err := s.transaction(ctx, batch)
	if failed && len(batch) > 1 {
		for _, c := range batch {
			c.undo()
		}
		for _, c := range batch {
			s.applyBatch([]*change{c})
		}
		return
	}
	for _, c := range batch {
		c.err = s.fail(ctx, err)
		close(c.done)
	}
}

// transaction begins a transaction, applies the changes and commits. failed means that a change failed.
func (s *sqlite) transaction(ctx context.Context, batch []*change) (failed bool, err error) {
	// A new connection reads the schema, for which it has to wait while another process is the last to close the log, or the first to open it.
	conn, err := retryWhileBusy(ctx, func() (*sql.Conn, error) { return s.write.Conn(ctx) })
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close() }() // returns it to the pool, which discards a broken one
	s.boundWAL(ctx, conn)
	begun, err := retryWhileBusy(ctx, func() (*sql.Tx, error) { return conn.BeginTx(ctx, nil) })
	if err != nil {
		return false, err
	}
	defer begun.Rollback() // does nothing after Commit
	for _, c := range batch {
		// The context cannot be cancelled here: otherwise SQLite needs a goroutine and a handler for each statement.
		if err := c.tryApply(context.WithoutCancel(ctx), sqliteTx{begun}); err != nil {
			return true, err
		}
	}
	return false, begun.Commit()
}
