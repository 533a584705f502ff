package agent

import (
	"context"

	"studysharper/app/study"
)

// promptContext is a request with its defaults and the data that the store has for it.
type promptContext struct {
	req      study.Request // with preferences and defaults filled in
	brief    study.Brief
	used     study.ContextUsed
	passages []study.Passage // of a chat's material
	notes    notesVersion
	warnings []string
}

// notesVersion is the version of a user's notes, taken before they were read.
type notesVersion struct {
	user   string
	number uint64
	known  bool
}

// contextReader reads the parts of one run's context. It is immutable, because the goroutines that read the parts may
// outlive the run.
type contextReader struct {
	deps     Deps
	options  Options
	runID    string
	req      study.Request
	fromChat bool
}

// fetch reads the parts in parallel, each with its own deadline, and builds the brief. Cached parts need no goroutine,
// and parts that the type does not use are not read. A part that fails, hangs or panics is left out with a warning;
// only notes named by id fail the request.
func (c *contextReader) fetch(ctx context.Context) (promptContext, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := promptContext{notes: notesVersion{user: c.req.UserID}}
	p.notes.number, p.notes.known = c.version(ResourceNotes)
	conversation := startFetch(ctx, c, !c.req.NewSession, c.loadHistory)
	notes := c.readCached(ctx, c.notesPart(ctx))
	profile := c.readCached(ctx, c.preferencesPart())
	progress := c.readCached(ctx, c.progressPart())
	weak := c.readCached(ctx, c.weakPart())
	if _, err := notes.wait(); err != nil && len(c.req.NoteIDs) > 0 {
		return promptContext{}, namedNotesError(err)
	}
	wait := func(f *future[[]string], name, warning string) []string {
		return awaitPart(ctx, c, f, &p.warnings, name, warning)
	}
	past := awaitPart(ctx, c, conversation, &p.warnings, "conversation", c.historyWarning())
	if past.foreign {
		return promptContext{}, study.Errorf(study.CodeNotFound, "the session does not exist")
	}
	texts := wait(notes, "notes", "your notes could not be searched")
	preferences := preferencesOf(wait(profile, "profile", "your preferences could not be read"))
	m, err := c.material(ctx, texts, past)
	if err != nil {
		return promptContext{}, err
	}
	p.req = c.req.Filled(preferences)
	p.warnings = append(p.warnings, m.warnings...)
	p.used, p.passages = m.contextUsed(len(past.turns)), m.passages
	p.brief = study.Brief{Type: p.req.Type, Message: m.message, Options: p.req.Options, Detail: detail(p.req.Type, preferences),
		Material: m.text, Documents: m.documents, Searched: m.searched, History: past.turns, Progress: wait(progress, "progress", "your progress so far could not be read")}
	p.brief.Weak = weakIn(wait(weak, "weak topics", "your results so far could not be read"), p.brief)
	return p, nil
}

// future is a part of the context that is being read.
type future[T any] struct {
	ctx    context.Context // carries the part's deadline
	done   chan struct{}   // closed when result and err are set
	result T
	err    error
}

// closedChannel is the done channel of a part that need not be read.
var closedChannel = func() chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}()

// startFetch starts to read a part, if wanted, with a deadline of GatherTimeout. wait returns at the deadline even if
// the store ignores it.
func startFetch[T any](ctx context.Context, c *contextReader, wanted bool, read func(context.Context) (T, error)) *future[T] {
	if !wanted {
		return &future[T]{ctx: ctx, done: closedChannel}
	}
	within, cancel := context.WithTimeout(ctx, c.options.GatherTimeout)
	f := &future[T]{ctx: within, done: make(chan struct{})}
	go func() {
		defer cancel()
		defer close(f.done)
		defer RecoverPanic(c.deps.Log, c.runID, &f.err)
		f.result, f.err = read(within)
	}()
	return f
}

// wait returns the part, or an error at the deadline.
func (f *future[T]) wait() (result T, err error) {
	select {
	case <-f.done:
		return f.result, f.err
	case <-f.ctx.Done():
	}
	select {
	case <-f.done: // finished at the same moment
		return f.result, f.err
	default:
		return result, study.Errorf(study.CodeTimeout, "timed out")
	}
}

// awaitPart waits for a part. If the part fails, the run continues with a warning. If the run itself has ended, the
// caller reports that.
func awaitPart[T any](ctx context.Context, c *contextReader, f *future[T], warnings *[]string, name, warning string) T {
	result, err := f.wait()
	if err != nil && ctx.Err() == nil {
		c.deps.Log.Warn("context part missing", "run", c.runID, "part", name, "error", err)
		if warning != "" {
			*warnings = append(*warnings, warning)
		}
	}
	return result
}
