package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"time"

	code "modernc.org/sqlite/lib"
)

// Bounds for processes that share a database file.
const (
	lockStep  = time.Millisecond     // between tries to get a lock, at first
	lockSteps = 8 * time.Millisecond // and later

	walLimit = 4 << 20                // bytes; above it, a write empties the log first
	walAlarm = 64 << 20               // bytes; above it, there is a warning too
	walWait  = 200 * time.Millisecond // the longest wait for readers to finish
	walTurn  = 2 * time.Second        // the longest wait while another process empties the log
	walStep  = 5 * time.Millisecond   // between tries
	walRetry = time.Second            // after an attempt that readers blocked
)

// retryWhileBusy retries take until it succeeds despite the locks of processes that do not use the writeQueue. SQLite's
// own retry ends up polling every 100 ms, and can miss every moment at which the lock is free.
func retryWhileBusy[T any](ctx context.Context, take func() (T, error)) (T, error) {
	for step := lockStep; ; step = min(2*step, lockSteps) {
		v, err := take()
		if resultCode(err) != code.SQLITE_BUSY {
			return v, err
		}
		pause(ctx, step)
	}
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// boundWAL empties the write-ahead log if it is larger than walLimit. SQLite itself does so only while no process reads
// or writes, which may never happen with several writing processes: four of them grew the log to 149 MB although each
// tried to empty it in the background once a second. Here every process tries before it writes, so all writers stop
// until one has emptied the log.
func (s *sqlite) boundWAL(ctx context.Context, conn *sql.Conn) {
	if s.walBytes() <= walLimit || time.Now().UnixNano() < s.walNext.Load() {
		return
	}
	blocked, err := s.emptyWAL(ctx, conn)
	if blocked || err != nil {
		s.walNext.Store(time.Now().Add(walRetry).UnixNano())
	}
	if n := s.walBytes(); n > walAlarm && ctx.Err() == nil {
		s.log.Warn("write-ahead log grows: a reader holds it open", "bytes", n, "error", err)
	}
}

// emptyWAL copies the log into the database file and truncates it, with other writers locked out. blocked means that
// readers did not finish within walWait.
func (s *sqlite) emptyWAL(ctx context.Context, conn *sql.Conn) (blocked bool, err error) {
	// If the timeout cannot be reset, later waits are only coarser.
	defer func() { _ = setBusyTimeout(context.WithoutCancel(ctx), conn, lockStep) }()
	if err := setBusyTimeout(ctx, conn, walWait); err != nil {
		return false, err
	}
	for end := time.Now().Add(walTurn); s.walBytes() > walLimit && time.Now().Before(end); {
		var busy, pages, copied int
		err := conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &copied)
		if err != nil || busy == 0 {
			return false, err
		}
		if pages >= 0 { // negative: another process is emptying it
			return true, nil
		}
		pause(ctx, walStep)
	}
	return false, nil
}

func setBusyTimeout(ctx context.Context, conn *sql.Conn, d time.Duration) error {
	_, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", d.Milliseconds()))
	return err
}

// walBytes is the size of the write-ahead log; 0 when there is none.
func (s *sqlite) walBytes() int64 {
	info, err := os.Stat(s.path + "-wal")
	if err != nil {
		return 0
	}
	return info.Size()
}
