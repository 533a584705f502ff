package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"time"

	code "modernc.org/sqlite/lib"
)

// What processes that share the file owe one another: turns, and a log that ends.
const (
	lockStep  = time.Millisecond     // between looks at a lock, at first
	lockSteps = 8 * time.Millisecond // and later

	walLimit = 4 << 20                // bytes; above it a write empties the log first
	walAlarm = 64 << 20               // above it there is a warning as well
	walWait  = 200 * time.Millisecond // the longest wait for readers to end
	walTurn  = 2 * time.Second        // the longest wait while another process empties the log
	walStep  = 5 * time.Millisecond   // between tries
	walRetry = time.Second            // until the next attempt after one that readers spoilt
)

// untilFree calls take until it gets past the locks of processes that are not in the
// writeQueue. SQLite's own wait looks at a lock every 100 ms in the end, and can miss every
// moment in which it is free.
func untilFree[T any](ctx context.Context, take func() (T, error)) (T, error) {
	for step := lockStep; ; step = min(2*step, lockSteps) {
		v, err := take()
		if resultCode(err) != code.SQLITE_BUSY {
			return v, err
		}
		pause(ctx, step)
	}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// boundWAL empties the write-ahead log if it is over walLimit. SQLite does so by
// itself only in a moment in which nobody reads or writes, and with several
// processes writing there may be none: four of them grew the log to 149 MB although
// each tried to empty it in the background once a second. Since each process does this
// before it writes, they all stop, one empties the log, and they go on.
func (s *sqlite) boundWAL(ctx context.Context, conn *sql.Conn) {
	if s.walBytes() <= walLimit || time.Now().UnixNano() < s.walNext.Load() {
		return
	}
	spoilt, err := s.emptyWAL(ctx, conn)
	if spoilt || err != nil {
		s.walNext.Store(time.Now().Add(walRetry).UnixNano())
	}
	if n := s.walBytes(); n > walAlarm && ctx.Err() == nil {
		s.log.Warn("write-ahead log grows: a reader holds it open", "bytes", n, "error", err)
	}
}

// emptyWAL copies the log into the database file and truncates it, keeping other
// writers out meanwhile. Spoilt: there were readers that did not end within walWait.
func (s *sqlite) emptyWAL(ctx context.Context, conn *sql.Conn) (spoilt bool, err error) {
	// A timeout that stays as it is makes waits coarser, no more.
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
		if pages >= 0 { // negative: another process is at it
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
