// Package stream defines the journal that stores the recent events of runs. The one idea: a
// journal per session instead of a queue per connection. A reader is a position in the
// journal. First connect, reconnect and hand-over to another process are therefore the same
// loop, there is no gap between replayed and live events, and a slow reader costs its
// writer nothing. Package memory implements the journal, relay carries it between
// processes, and hub writes the events to clients.
package stream

import (
	"context"

	"github.com/google/uuid"

	"studysharper/app/study"
)

// Journal stores the recent events of every session, within the bounds of the
// implementation. Every method is safe for concurrent use. Its errors are *study.Error:
// CodeInvalid for ids that are not UUIDs in the usual 36 characters, CodeNotFound for a
// session that was dropped or belongs to another user, CodeConflict (with the active run's
// id) for a session that has an open run, CodeOverloaded at a bound, CodeUnavailable when
// the journal cannot be reached.
type Journal interface {
	// Begin announces a run, which becomes the session's newest. The owner of a session's
	// first run owns the session: Begin for another owner is CodeNotFound. A session has
	// one open run at a time: Begin of a second one is CodeConflict. A run is closed before
	// anyone can read its terminal event.
	Begin(ctx context.Context, info RunInfo) (Writer, error)

	// Since returns the events after q.After, and waits until there are any:
	//
	//   - the zero position is just before the newest run's first event;
	//   - a position from the session's current life is just after the event it names;
	//   - any other position (from before a restart, beyond the newest event, another
	//     session's) counts as the zero position with at least one event missed,
	//     except that one from an earlier life of a session dropped since is CodeNotFound.
	//
	// Batch.Missed counts the requested events that are no longer kept; for the zero position these
	// are the newest run's first ones. Batch.Events belong to one run, are consecutive, may be
	// empty, and are limited in bytes: the next call returns the rest. Batch.Ended means that no run
	// is open and every event has been returned. A reader that already has every event gets Ended at
	// once, without events.
	//
	// With q.Run, only that run counts: only its events are returned, the zero position is just
	// before its first event, and Ended means that the run is over and all its events have been
	// returned. CodeNotFound if the session never had the run, or had it too long ago.
	//
	// Since also waits for a session to which nothing has been posted yet; the caller must limit
	// that wait. With q.NoWait it returns at once. If there are no events, Next is then q.After; but
	// Next is the zero position if, and only if, nothing has been posted to the session.
	//
	// With q.Peek it returns at once and without events: Ended means that there are no events left
	// and none will come, and Next is zero as with q.NoWait.
	//
	// When ctx ends, the wait ends with an error that wraps the cause of ctx. Event.Fields belongs
	// to the journal and must not be changed.
	Since(ctx context.Context, q Query) (study.Batch, error)

	// Drop removes a session at once: its waiting readers get CodeNotFound, and its open
	// runs are lost (RunInfo.OnLost). An unknown session is CodeNotFound.
	Drop(ctx context.Context, session string) error
}

// Awaiter is a journal whose readers wait without a goroutine each.
type Awaiter interface {
	// Await is Since with a callback, which is called exactly once: possibly before Await
	// returns, otherwise on a goroutine of the journal, which it must not block. The
	// callback may call Await again. cancel ends the wait: deliver is not called after it,
	// except by a call already in progress.
	Await(q Query, deliver func(study.Batch, error)) (cancel func())
}

// Keeper is a journal that supports both ways of waiting.
type Keeper interface {
	Journal
	Awaiter
}

// SharedEpoch is the first epoch of journals that instances share. A journal local to one container
// uses lower epochs, so a position identifies the journal it belongs to.
const SharedEpoch = 1 << 49

// Orphan is an open run whose worker died before it had sent anything but start and
// progress events. The worker that takes it over (RunInfo.Takeover) reruns it; its readers
// wait meanwhile.
type Orphan struct {
	Session string
	Run     string
	Owner   string
	Request []byte // as passed to Begin by the dead worker
}

// RunInfo names a run.
type RunInfo struct {
	Session string // UUID
	Run     string // UUID
	Owner   string // the user's id, at most 512 bytes

	// Silent makes the run only occupy its session: readers do not see it, and the journal
	// ignores its events except the terminal one, which ends it. It is never taken over.
	Silent bool

	// Request is what another worker needs to rerun the run. It is opaque to the journal,
	// which owns it from here on and keeps it until the first event other than start or
	// progress. A request longer than MaxRequestBytes, or one for which there is no room,
	// is not kept; the run can then not be taken over.
	Request []byte

	// Takeover takes over the orphan that Session, Run and Owner name (see Orphan) instead
	// of announcing a run. The Writer continues after the dead worker's events; a start
	// event is then kept only if it is the run's first event. CodeNotFound: another worker
	// was faster, or the orphan has expired.
	Takeover bool

	// OnLost, if not nil, is called once if the journal ends the run before its writer
	// does: the session was dropped or became stale, a bound left no room, the connection
	// broke. It gets the error that every later Append returns. It must not block.
	OnLost func(error)
}

// Writer appends one run's events. Only one goroutine at a time may use it, for Close too.
type Writer interface {
	// Append adds the run's next event, which gets the session's next number. e.Seq is
	// ignored, and the journal owns e.Fields from here on. No event can follow a terminal
	// one.
	//
	// CodeInvalid (a kind that no run may send, or fields that are not a JSON object) and
	// CodeTooLarge (fields longer than the journal's MaxEventBytes) change nothing: the
	// caller ends the run with a smaller error event, or with Close. After any other error
	// the run is over and readers have been told so, unless ctx ended the wait.
	//
	// nil for a terminal event means that the journal has stored the whole run. nil for
	// another event means that the journal has stored it or, through a relay, that it is on
	// its way after all earlier ones; if it does not arrive, the run ends with an error
	// event in its place and the next Append returns an error. An event in the middle is
	// never left out.
	Append(ctx context.Context, e study.Event) error

	// Close ends a run that has no terminal event with an error event,
	// {"error":…,"retryable":true}. It is idempotent and never blocks. If the run was lost
	// before, it returns the reason.
	Close() error
}

// Query asks for the events after a position.
type Query struct {
	Session string         // UUID
	After   study.Position // zero: from the newest run's first event
	Run     string         // UUID: only this run's events; "" = the session's
	Owner   string         // "" = any owner; otherwise a session of another owner is CodeNotFound
	NoWait  bool
	Peek    bool // NoWait without the events, which stay unread; see Journal.Since
}

// MaxRequestBytes is the longest RunInfo.Request that is kept.
const MaxRequestBytes = 64 << 10

// maxOwnerBytes is study.MaxIDRunes of four bytes each.
const maxOwnerBytes = 4 * study.MaxIDRunes

// Errors that every journal returns when a run or a session has ended or does not exist.
var (
	ErrEnded = study.Errorf(study.CodeInvalid, "the run has already ended")
	ErrGone  = study.Errorf(study.CodeNotFound, "the session does not exist")
	ErrNoRun = study.Errorf(study.CodeNotFound, "the session does not have this run (any more)")
	ErrTaken = study.Errorf(study.CodeNotFound, "run not found")
	ErrBroke = study.Errorf(study.CodeUnavailable, "the run was interrupted")
)

// ErrBusy returns the error for beginning a run in a session in which another run is open.
func ErrBusy(run string) *study.Error {
	e := study.Errorf(study.CodeConflict, "the session is busy with another run: wait for its end, or use another session")
	e.Run = run
	return e
}

// ParseID parses a UUID in its usual 36-character form. It rejects the other forms that uuid.Parse accepts.
func ParseID(what, s string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || len(s) != 36 {
		return uuid.UUID{}, study.Errorf(study.CodeInvalid, "the %s id is not a UUID", what)
	}
	return id, nil
}

func checkOwner(owner string) error {
	if len(owner) > maxOwnerBytes {
		return study.Errorf(study.CodeInvalid, "the user id is longer than %d bytes", maxOwnerBytes)
	}
	return nil
}

// Parse validates and parses the ids of a run; its error is CodeInvalid.
func (i RunInfo) Parse() (session, run uuid.UUID, err error) {
	if session, err = ParseID("session", i.Session); err != nil {
		return session, run, err
	}
	if run, err = ParseID("run", i.Run); err != nil {
		return session, run, err
	}
	return session, run, checkOwner(i.Owner)
}

// Parse validates a query and parses its session and run ids; run is the nil UUID if the
// query names none. Its error is CodeInvalid.
func (q Query) Parse() (session, run uuid.UUID, err error) {
	if session, err = ParseID("session", q.Session); err != nil {
		return session, run, err
	}
	if q.Run != "" {
		if run, err = ParseID("run", q.Run); err != nil {
			return session, run, err
		}
	}
	return session, run, checkOwner(q.Owner)
}
