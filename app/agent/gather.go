package agent

import (
	"context"

	"studysharper/app/study"
)

// gathered is the context of a run.
type gathered struct {
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

// gather reads the parts of the context at once, each within its own time, those that are
// cached without ado, and makes the brief. A part that fails, hangs or panics is left out, with a warning; only what
// the student named outright may fail the request. A part that the type has no use for
// is not read.
func (r *run) gather(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.known.revision, r.known.dated = r.revision(KeptNotes)
	asked := *r // for the parts, which may outlive the run
	talk := begin(ctx, r, !asked.req.NewSession, asked.conversation)
	notes := asked.recollect(ctx, asked.sources())
	profile := asked.recollect(ctx, asked.profile())
	progress := asked.recollect(ctx, asked.progress())
	if _, err := notes.wait(); err != nil && len(r.req.NoteIDs) > 0 {
		return namedNotesError(err)
	}
	said := found(ctx, r, talk, "conversation", asked.talkLost())
	if said.anothers {
		return study.Errorf(study.CodeNotFound, "there is no such session")
	}
	list := found(ctx, r, notes, "notes", "your notes could not be searched")
	preferences := preferencesOf(found(ctx, r, profile, "profile", "your preferences could not be read"))
	r.compose(list)
	r.known.history = said.turns
	r.req = r.req.Filled(preferences)
	r.brief = study.Brief{Type: r.req.Type, Message: r.message(), Options: r.req.Options, Detail: r.detail(preferences),
		Material: r.known.material, History: r.known.history,
		Progress: found(ctx, r, progress, "progress", "your progress so far could not be read")}
	return nil
}

// part is one part of the context, being read in a goroutine of its own.
type part[T any] struct {
	ctx  context.Context // ends when its time is over
	done chan struct{}   // closed when got and err are set
	got  T
	err  error
}

// over is the done of a part that was there at once.
var over = func() chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}()

// begin reads a part, if it is wanted, within GatherTimeout. A store that does not
// heed that is not waited for.
func begin[T any](ctx context.Context, r *run, wanted bool, read func(context.Context) (T, error)) *part[T] {
	if !wanted {
		return &part[T]{ctx: ctx, done: over}
	}
	within, cancel := context.WithTimeout(ctx, r.o.GatherTimeout)
	p := &part[T]{ctx: within, done: make(chan struct{})}
	log, id := r.Log, r.id
	go func() {
		defer cancel()
		defer close(p.done)
		defer contain(log, id, &p.err)
		p.got, p.err = read(within)
	}()
	return p
}

// wait gives what was read; an error when it is not there in its time.
func (p *part[T]) wait() (got T, err error) {
	select {
	case <-p.done:
		return p.got, p.err
	case <-p.ctx.Done():
	}
	select {
	case <-p.done: // at the same moment
		return p.got, p.err
	default:
		return got, study.Errorf(study.CodeTimeout, "it took longer than it may")
	}
}

// found waits for a part. Without it the run goes on, and the student is told; where the run
// has ended itself, that is told elsewhere.
func found[T any](ctx context.Context, r *run, p *part[T], name, warning string) T {
	got, err := p.wait()
	if err != nil && ctx.Err() == nil {
		r.Log.Warn("a part of the context is missing", "run", r.id, "part", name, "error", err)
		if warning != "" {
			r.known.warnings = append(r.known.warnings, warning)
		}
	}
	return got
}
