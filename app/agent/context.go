package agent

import (
	"context"

	"studysharper/app/study"
)

// promptContext is the context of a run.
type promptContext struct {
	history   []study.Turn
	material  string
	notes     int  // in the material
	content   bool // options.content is in the material
	isMessage bool // the material is the message
	cut       bool // the material was longer than it may be
	warnings  []string

	revision uint64 // of the student's notes, from before they were read,
	dated    bool   // if there is one
}

// fetchContext reads the parts of the context at once, each within its own time, those that are
// cached without ado, and makes the brief. A part that fails, hangs or panics is left out, with a warning; only what
// the student named outright may fail the request. A part that the type has no use for
// is not read.
func (r *run) fetchContext(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.known.revision, r.known.dated = r.version(ResourceNotes)
	asked := *r // for the parts, which may outlive the run
	talk := startFetch(ctx, r, !asked.req.NewSession, asked.loadHistory)
	notes := asked.readCached(ctx, asked.notesPart())
	profile := asked.readCached(ctx, asked.preferencesPart())
	progress := asked.readCached(ctx, asked.progressPart())
	if _, err := notes.wait(); err != nil && len(r.req.NoteIDs) > 0 {
		return namedNotesError(err)
	}
	said := awaitPart(ctx, r, talk, "conversation", asked.historyWarning())
	if said.anothers {
		return study.Errorf(study.CodeNotFound, "there is no such session")
	}
	list := awaitPart(ctx, r, notes, "notes", "your notes could not be searched")
	preferences := preferencesOf(awaitPart(ctx, r, profile, "profile", "your preferences could not be read"))
	r.compose(list)
	r.known.history = said.turns
	r.req = r.req.Filled(preferences)
	r.brief = study.Brief{Type: r.req.Type, Message: r.message(), Options: r.req.Options, Detail: r.detail(preferences),
		Material: r.known.material, History: r.known.history,
		Progress: awaitPart(ctx, r, progress, "progress", "your progress so far could not be read")}
	return nil
}

// future is one part of the context, being read in a goroutine of its own.
type future[T any] struct {
	ctx  context.Context // ends when its time is over
	done chan struct{}   // closed when got and err are set
	got  T
	err  error
}

// closedChannel is the done of a part that was there at once.
var closedChannel = func() chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}()

// startFetch reads a part, if it is wanted, within GatherTimeout. A store that does not
// heed that is not waited for.
func startFetch[T any](ctx context.Context, r *run, wanted bool, read func(context.Context) (T, error)) *future[T] {
	if !wanted {
		return &future[T]{ctx: ctx, done: closedChannel}
	}
	within, cancel := context.WithTimeout(ctx, r.o.GatherTimeout)
	p := &future[T]{ctx: within, done: make(chan struct{})}
	log, id := r.Log, r.id
	go func() {
		defer cancel()
		defer close(p.done)
		defer recoverPanic(log, id, &p.err)
		p.got, p.err = read(within)
	}()
	return p
}

// wait gives what was read; an error when it is not there in its time.
func (p *future[T]) wait() (got T, err error) {
	select {
	case <-p.done:
		return p.got, p.err
	case <-p.ctx.Done():
	}
	select {
	case <-p.done: // at the same moment
		return p.got, p.err
	default:
		return got, study.Errorf(study.CodeTimeout, "timed out")
	}
}

// awaitPart waits for a part. Without it the run goes on, and the student is told; where the run
// has ended itself, that is told elsewhere.
func awaitPart[T any](ctx context.Context, r *run, p *future[T], name, warning string) T {
	got, err := p.wait()
	if err != nil && ctx.Err() == nil {
		r.Log.Warn("context part missing", "run", r.id, "part", name, "error", err)
		if warning != "" {
			r.known.warnings = append(r.known.warnings, warning)
		}
	}
	return got
}
