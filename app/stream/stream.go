// Package stream is the contract of the journals that keep the recent events of runs.
// The one idea: a journal per session instead of a queue per connection. A reader is a
// position in the journal, so that first connect, reconnect and hand-over to another
// process are the same loop, replayed and live events follow each other without a gap,
// and a slow reader costs its writer nothing. Package memory implements the journal,
// relay carries it between processes, and hub writes the events to clients.
package stream

import (
	"context"

	"github.com/google/uuid"

	"studysharper/app/study"
)

// Journal keeps the recent events of every session, each within the bounds of its
// maker. Every method is safe for concurrent use, and its errors are *study.Error:
// CodeInvalid for ids that are not UUIDs in the usual 36 characters, CodeNotFound for
// a session that was dropped or is another user's, CodeConflict (with the active run's
// id) for a session that has an open run, CodeOverloaded at a bound, CodeUnavailable
// when the journal cannot be reached.
type Journal interface {
	// Begin announces a run, which becomes the session's newest; its first Append
	// is its first event. The session's owner is that of its first run: another's
	// Begin is CodeNotFound. A session has one open run at a time: Begin of a second
	// one is CodeConflict. A run is closed before anyone can read its terminal event.
	Begin(ctx context.Context, info RunInfo) (Writer, error)

	// Since gives what follows q.After, and waits until there is something:
	//
	//   - the zero position stands before the newest run's first event;
	//   - a position of the session's present life stands before the event behind it;
	//   - any other (from before a restart, beyond the newest event, another
	//     session's) counts as the zero position with at least one event missed,
	//     except that one of a former life of a session dropped since is CodeNotFound.
	//
	// Batch.Missed counts the events asked for that are no longer kept; for a zero
	// position these are the newest run's own first ones. Batch.Events are of one run,
	// have no holes, may be empty, and hold a bounded number of bytes: the rest comes
	// with the next call. Batch.Ended tells that no run is open and everything has been
	// given; so does an answer without events, at once, for a reader that has every event already.
	//
	// With q.Run only that run counts: its events are given, the zero position stands
	// before its first event, and Ended tells that it is over and everything of it has
	// been given. A run that the session had not, or too long ago, is CodeNotFound.
	//
	// A session nobody has posted to is waited for: the caller bounds that. With
	// q.NoWait the answer comes at once, and has q.After as Next when there is
	// nothing to give, but the zero position as Next, and only then, when nobody has
	// posted to the session.
	//
	// With q.Peek the answer comes at once, and gives no events: Ended tells that there
	// is nothing to give and will be nothing, and Next is zero as with q.NoWait.
	//
	// When ctx ends, so does the wait, with an error that wraps the cause of ctx.
	// Event.Fields belongs to the journal and must not be changed.
	Since(ctx context.Context, q Query) (study.Batch, error)

	// Drop forgets a session at once: its waiting readers end with CodeNotFound,
	// its open runs are lost (RunInfo.OnLost). One that there is not is CodeNotFound.
	Drop(ctx context.Context, session string) error
}

// Awaiter is a journal that waits without a goroutine for each reader.
type Awaiter interface {
	// Await is Since with a callback, which is called exactly once: possibly before
	// Await returns, else on a goroutine of the journal's that it must not block;
	// it may call Await again. cancel ends the wait: deliver will not be called any
	// more, except by a call already under way.
	Await(q Query, deliver func(study.Batch, error)) (cancel func())
}

// Keeper is a journal with both ways to wait.
type Keeper interface {
	Journal
	Awaiter
}

// SharedEpoch is the first epoch of journals that instances share. A journal of one container uses
// lower ones, so that a position says which journal it belongs to.
const SharedEpoch = 1 << 49

// Orphan is an open run whose worker died before it had sent anything but progress. The
// worker that takes it over (RunInfo.Takeover) reruns it, and its readers wait for that.
type Orphan struct {
	Session string
	Run     string
	Owner   string
	Request []byte // as the dead worker gave it to Begin
}

// RunInfo names a run.
type RunInfo struct {
	Session string // UUID
	Run     string // UUID
	Owner   string // the user's id, at most 512 bytes

	// Silent has the run only occupy its session: readers see nothing of it, and of its
	// events only the terminal one counts, which ends it. It is not repeated.
	Silent bool

	// Request is what another worker needs to make the run again; opaque to the
	// journal, and its own from here on. It is kept until an event other than start
	// or progress comes, and then forgotten. One of more than MaxRequestBytes, or for
	// which there is no room, is not kept, and the run is not repeated.
	Request []byte

	// Takeover takes over the orphan that Session, Run and Owner name (see
	// Orphan) instead of announcing a run: the Writer continues after
	// what the dead worker has sent, and of its start events only one that is the
	// run's first event is kept. CodeNotFound: another was faster, or its time is over.
	Takeover bool

	// OnLost, if not nil, is called once when the journal ends the run by itself:
	// the session was dropped or went stale, a bound left no room, the connection
	// broke. It gets the error every later Append gives. It must not block.
	OnLost func(error)
}

// Writer takes one run's events, from one goroutine at a time, Close included.
type Writer interface {
	// Append adds the run's next event, which gets the session's next number; e.Seq
	// is ignored, and e.Fields is the journal's from here on. After a terminal event
	// nothing can follow.
	//
	// CodeInvalid (a kind that no run may send, fields that are not a JSON object) and
	// CodeTooLarge (fields past the journal's MaxEventBytes) leave everything as it
	// was: the caller ends the run with a smaller error event, or by Close. After
	// any other error the run is over and readers have been told so, except for a
	// wait cut short by ctx.
	//
	// nil for a terminal event: the journal holds the whole run. nil for another:
	// the journal holds it or, through a Relay, has it on the way behind all earlier
	// ones; should it not arrive, the run ends with an error event in its place and
	// the next Append says so. No event is ever left out in the middle.
	Append(ctx context.Context, e study.Event) error

	// Close ends a run that has no terminal event with an error event,
	// {"error":…,"retryable":true}. It is idempotent, never blocks, and gives the
	// reason when the run had been lost before.
	Close() error
}

// Query asks for what follows a position.
type Query struct {
	Session string         // UUID
	After   study.Position // zero: from the newest run's first event
	Run     string         // UUID: only this run's events; "" = the session's
	Owner   string         // "" = anyone; else another's session is CodeNotFound
	NoWait  bool
	Peek    bool // NoWait without the events, which stay unread: see Journal.Since
}

// MaxRequestBytes is the longest RunInfo.Request that is kept.
const MaxRequestBytes = 64 << 10

// maxOwnerBytes is study.MaxIDRunes of four bytes each.
const maxOwnerBytes = 4 * study.MaxIDRunes

// The ends of a run and of a session, the same from every journal.
var (
	ErrEnded = study.Errorf(study.CodeInvalid, "the run has ended already")
	ErrGone  = study.Errorf(study.CodeNotFound, "there is no such session")
	ErrNoRun = study.Errorf(study.CodeNotFound, "the session does not have this run, or no longer")
	ErrTaken = study.Errorf(study.CodeNotFound, "run not found")
	ErrBroke = study.Errorf(study.CodeUnavailable, "the run was interrupted")
)

// ErrBusy refuses a run in a session in which another one is open.
func ErrBusy(run string) *study.Error {
	e := study.Errorf(study.CodeConflict, "the session is busy with another run: wait for its end, or use another session")
	e.Run = run
	return e
}

// ParseID reads a UUID in its usual form; the other forms uuid.Parse knows are refused.
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

// Parse checks and reads what names a run; its error is CodeInvalid.
func (i RunInfo) Parse() (session, run uuid.UUID, err error) {
	if session, err = ParseID("session", i.Session); err != nil {
		return session, run, err
	}
	if run, err = ParseID("run", i.Run); err != nil {
		return session, run, err
	}
	return session, run, checkOwner(i.Owner)
}

// Parse checks a query and reads its session and its run, the nil UUID where it names
// none; its error is CodeInvalid.
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
