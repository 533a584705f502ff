// Package agent makes study aids: the Orchestrator takes one request through six steps
// (classify, fetch the context, generate, validate, check safety, format). The one idea: an
// answer is a pure function of a study.Brief, so it has a key. Equal briefs share one model
// call while it runs and one cache entry afterwards; what belongs to one student (session,
// messages, saved aid) is written afterwards, for each run.
//
// The package knows no cache, model, database or journal by name: it declares the interfaces
// that it needs. Package runner bounds, times and ends the runs.
package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"studysharper/app/study"
)

// Model answers prompts.
type Model interface {
	// Name is part of every cache key.
	Name() string
	// Generate blocks until the answer is complete. With onText it also passes on each piece
	// of text as it arrives, in order, on the caller's goroutine. Errors are *study.Error and
	// contain nothing of the prompt. It returns soon after ctx ends.
	Generate(ctx context.Context, p study.Prompt, onText func(string)) (study.Answer, error)
}

// Cache may drop any entry at any time and never fails; see cache.Cache.
type Cache interface {
	Get(ctx context.Context, key string) (value []byte, age time.Duration, ok bool)
	Set(ctx context.Context, key string, value []byte)
}

// The parts of a user's data that have a version.
const (
	ResourceNotes       = "notes"
	ResourcePreferences = "preferences"
	ResourceAids        = "aids"
	ResourceAttempts    = "attempts" // at quizzes and exams
)

// Versions tells whether a user's data has changed.
type Versions interface {
	// Version changes with every acknowledged change of the resource. Data that was read
	// from the Store after a call of Version is valid while the number stays the same. ok is
	// false while that cannot be promised.
	Version(user, resource string) (number uint64, ok bool)
}

// Store keeps notes, conversations, aids and executions. Errors are *study.Error:
// CodeNotFound means that the thing does not exist, every other code that the store failed.
type Store interface {
	// Session returns one session, whoever owns it.
	Session(ctx context.Context, id string) (study.Session, error)
	// Messages returns the newest messages of a session, oldest first.
	Messages(ctx context.Context, sessionID string, limit int) ([]study.Message, error)
	// NotesByID returns the notes in the order of ids; CodeNotFound if one is unknown or
	// belongs to another user.
	NotesByID(ctx context.Context, userID string, ids []string) ([]study.Note, error)
	// SearchNotes returns the user's notes that contain any of the words, best first;
	// without words the newest.
	SearchNotes(ctx context.Context, userID, words string, limit int) ([]study.Note, error)
	// SearchPassages returns passages of the notes named (CodeNotFound if one is unknown or belongs to
	// another user), or of all of the user's: those with the words first, and then so that the notes take turns.
	SearchPassages(ctx context.Context, userID string, noteIDs []string, words string, limit int) ([]study.Passage, error)
	// SessionSource returns what KeepSessionSource kept last; nothing if there is nothing.
	SessionSource(ctx context.Context, sessionID string) (noteIDs []string, content string, err error)
	// KeepSessionSource keeps what a conversation is about: the notes named and the text given.
	KeepSessionSource(ctx context.Context, sessionID string, noteIDs []string, content string) error
	// Preferences returns the user's preferences, the zero value if there are none.
	Preferences(ctx context.Context, userID string) (study.Preferences, error)
	// ContentStats counts the user's saved aids.
	ContentStats(ctx context.Context, userID string) (map[study.Type]int, error)
	// WeakTopics returns the topics on which the user did badly in quizzes and exams, the worst first.
	WeakTopics(ctx context.Context, userID string) ([]string, error)
	// AppendMessages adds to a session, and creates it first if it is new.
	AppendMessages(ctx context.Context, s study.Session, msgs ...study.Message) error
	// EndRun is AppendMessages together with the end of a run, in one transaction.
	EndRun(ctx context.Context, r study.Run, s study.Session, msgs ...study.Message) error
	// SaveContent saves an aid and returns it with its id, or the one that was saved before
	// for the same user and Answer.
	SaveContent(ctx context.Context, c study.Content) (study.Content, error)
	// RecordExecution never blocks.
	RecordExecution(e study.Execution)
}

// Deps are what an Orchestrator works with. Model, Cache and Store are required.
type Deps struct {
	Model Model
	Judge Model // checks answers, if Options.Judge is JudgeModel; default: Model
	Cache Cache // of answers
	Store Store
	Log   *slog.Logger // default: discards

	// Parts caches parts of contexts for as long as Versions says that they are valid. It is
	// read on the run's own goroutine, so it must be a cache in this process. Without either,
	// every part is read from the Store each time.
	Parts    Cache
	Versions Versions

	// Spend counts a run that is about to call the model, for its user and clients; its error refuses the call. nil =
	// calls are not counted. Answers from the cache, and those that another run makes, cost nothing.
	Spend func(ctx context.Context, user string, clients []string) error
}

// Options bound an Orchestrator. A zero field takes the default.
type Options struct {
	// Deterministic says that the model answers equal prompts equally and reads no
	// corrections: a faulty answer is then not asked for again.
	Deterministic bool
	// Judge says how aids are checked: JudgeOff for their shape and safety only; JudgeRules, the
	// default, for their evidence too; JudgeModel by a model too, in one more call that scores
	// safety, quality and accuracy.
	Judge string

	// ContextTokens is the size of the model's context, asked when a text is long; it may block for
	// a few seconds. nil = 32,000.
	ContextTokens func(context.Context) int

	MaxCalls      int           // HTTP calls of models for one request; default 8. About one text, or one part of it, 3 at most
	MaterialRunes int           // of source text in a chat's prompt, and of the message; longer text is cut, and the answer says so; default 24,000
	GatherTimeout time.Duration // one part of the context; default 2 s
	AnswerTimeout time.Duration // one answer, corrections and checks included; default 2 min
	JudgeTimeout  time.Duration // the check by a model; default 1 min
	SaveTimeout   time.Duration // saving an answer; default 3 s
	CacheTimeout  time.Duration // one cache call; default 250 ms
}

const defaultContext = 32_000 // tokens

func (o Options) withDefaults() Options {
	o.Judge = cmp.Or(o.Judge, JudgeRules)
	o.MaxCalls = cmp.Or(o.MaxCalls, 8)
	o.MaterialRunes = cmp.Or(o.MaterialRunes, 24_000)
	o.GatherTimeout = cmp.Or(o.GatherTimeout, 2*time.Second)
	o.AnswerTimeout = cmp.Or(o.AnswerTimeout, 2*time.Minute)
	o.JudgeTimeout = cmp.Or(o.JudgeTimeout, time.Minute)
	o.SaveTimeout = cmp.Or(o.SaveTimeout, 3*time.Second)
	o.CacheTimeout = cmp.Or(o.CacheTimeout, 250*time.Millisecond)
	return o
}

// Outcome is a finished run. Other runs of the same brief may share Result.Data: do not
// change it.
type Outcome struct {
	RunID     string
	Result    study.Result
	FromCache bool          // the answer was made for an earlier request, and the user has received it before
	Age       time.Duration // since it was cached, if FromCache
}

// Observer is told what a client may watch, on the goroutine that called Run. A nil function
// is not called.
type Observer struct {
	Progress func(study.Progress) // the six steps in order, and each wait that the AI service asks for
	Token    func(text string)    // a chat's text, in pieces that join to the answer
	Item     func(study.Item)     // a finished part of an aid; provisional until the aid is complete

	// Outcome encodes the end of a run that was recorded at its beginning, with the question as the message
	// that has the run's id. nil = the run is not recorded.
	Outcome func(Outcome) json.RawMessage
}

// watches reports whether a client sees an answer of the type while it is made.
func (o Observer) watches(t study.Type) bool {
	if t == study.Chat {
		return o.Token != nil
	}
	return o.Item != nil
}

// New makes an Orchestrator. It starts nothing and needs no closing.
func New(d Deps, o Options) *Orchestrator {
	d.Log = cmp.Or(d.Log, slog.New(slog.DiscardHandler))
	d.Judge = cmp.Or(d.Judge, d.Model)
	return &Orchestrator{deps: d, options: o.withDefaults(), longTexts: make(chan struct{}, 1), flights: make(map[string]*flight)}
}
