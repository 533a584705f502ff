// Package agent makes study aids: the Orchestrator takes one request through six
// steps (classify, gather context, do the task, validate, check safety, format) and
// the Runner bounds, times and ends such runs. The one idea: an answer is a pure
// function of a Brief, so it has a key; equal briefs share one model call while it
// runs and one cache entry afterwards, and everything that is the student's own
// (session, messages, saved aid) is kept around it, afresh each time.
//
// The package knows no cache, model, database or journal by name: it states here
// what it needs of each.
package agent

import (
	"context"
	"io"
	"log/slog"
	"time"

	"studysharper/app/study"
)

// Model answers prompts.
type Model interface {
	// Name is part of every cache key.
	Name() string
	// Generate blocks until the answer is whole. With onText it also hands over each
	// piece of text as it comes, in order, on the caller's goroutine. Errors are
	// *study.Error and hold nothing of the prompt. It returns soon after ctx ends.
	Generate(ctx context.Context, p study.Prompt, onText func(string)) (study.Answer, error)
}

// Cache forgets when it likes and never fails; see cache.Cache.
type Cache interface {
	Get(ctx context.Context, key string) (value []byte, age time.Duration, ok bool)
	Set(ctx context.Context, key string, value []byte)
}

// What is kept of a user, as Versions tells it apart.
const (
	ResourceNotes       = "notes"
	ResourcePreferences = "preferences"
	ResourceAids        = "aids"
)

// Versions tells whether what is kept of a user has changed.
type Versions interface {
	// Version gives another number than before any change of that part of what is kept
	// that was acknowledged by now. What is read from the Store after it is as good as
	// new while the number stays. ok is false while that cannot be promised.
	Version(user, kept string) (number uint64, ok bool)
}

// Store keeps notes, conversations, aids and executions. Errors are *study.Error;
// CodeNotFound means just that, every other code that the store could not do it.
type Store interface {
	// Session returns one session, whoever owns it.
	Session(ctx context.Context, id string) (study.Session, error)
	// Messages returns the newest messages of a session, oldest first.
	Messages(ctx context.Context, sessionID string, limit int) ([]study.Message, error)
	// NotesByID returns the notes in the order of ids; CodeNotFound when one is
	// unknown or another user's.
	NotesByID(ctx context.Context, userID string, ids []string) ([]study.Note, error)
	// SearchNotes returns the user's notes that hold any of the words, best first;
	// without words the newest.
	SearchNotes(ctx context.Context, userID, words string, limit int) ([]study.Note, error)
	// Preferences returns the user's standing wishes, the zero value when none are kept.
	Preferences(ctx context.Context, userID string) (study.Preferences, error)
	// ContentStats counts the user's kept aids.
	ContentStats(ctx context.Context, userID string) (map[study.Type]int, error)
	// AppendMessages adds to a session, making it first if it is new.
	AppendMessages(ctx context.Context, s study.Session, msgs ...study.Message) error
	// SaveContent keeps an aid and returns it with its id, or the one that it keeps of the
	// same user and Answer already.
	SaveContent(ctx context.Context, c study.Content) (study.Content, error)
	// RecordExecution never blocks.
	RecordExecution(e study.Execution)
}

// Deps are what an Orchestrator works with. Model, Cache and Store are required.
type Deps struct {
	Model Model
	Cache Cache // of answers
	Store Store
	Log   *slog.Logger // default: none

	// Parts caches parts of contexts, as long as Versions says that they are as good as
	// new. It is to be a cache inside the process: it is read on a run's own goroutine.
	// Without either each part is read from the Store each time.
	Parts    Cache
	Versions Versions
}

// Options bound an Orchestrator. A zero field takes the default.
type Options struct {
	// Deterministic says that the model answers equal prompts equally and reads no
	// corrections: a faulty answer is then not asked for again.
	Deterministic bool
	// Judge has the model check its own aids too, for safety, quality and accuracy: up
	// to three more calls, at once, for each answer that the rules let pass, and for the
	// best one when corrections are used up. Chats are not judged.
	Judge bool

	Retries       int           // corrections asked of a model before giving up; default 2. A chat gets at most 1
	MaterialRunes int           // source text in one prompt, and likewise the message; longer is cut, and the answer says so; default 24,000
	GatherTimeout time.Duration // one part of the context; default 2 s
	AnswerTimeout time.Duration // one answer, corrections and checks included; default 2 min
	JudgeTimeout  time.Duration // one check by the model; default 20 s
	KeepTimeout   time.Duration // saving an answer; default 3 s
	CacheTimeout  time.Duration // one cache call; default 250 ms
}

func (o Options) withDefaults() Options {
	orDefault(&o.Retries, 2)
	orDefault(&o.MaterialRunes, 24_000)
	orDefault(&o.GatherTimeout, 2*time.Second)
	orDefault(&o.AnswerTimeout, 2*time.Minute)
	orDefault(&o.JudgeTimeout, 20*time.Second)
	orDefault(&o.KeepTimeout, 3*time.Second)
	orDefault(&o.CacheTimeout, 250*time.Millisecond)
	return o
}

func orDefault[T int | time.Duration](field *T, standard T) {
	if *field <= 0 {
		*field = standard
	}
}

// Outcome is a finished run. Result.Data may be shared with other runs of the same
// brief: it is read only.
type Outcome struct {
	RunID     string
	Result    study.Result
	FromCache bool          // the answer was made for an earlier request
	Age       time.Duration // since it was cached, where FromCache
}

// New makes an Orchestrator. It starts nothing and needs no closing.
func New(d Deps, o Options) *Orchestrator {
	if d.Log == nil {
		d.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return &Orchestrator{Deps: d, o: o.withDefaults(), flights: make(map[string]*call)}
}
