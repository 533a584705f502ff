// Package agent makes study aids: the Orchestrator takes one request through six steps (classify, fetch the context,
// generate, validate, check safety, format). The one idea: an answer is a pure function of a study.Brief, so it has a
// key. Equal briefs share one model call while it runs and one cache entry afterwards. What belongs to one student
// (session, messages, saved aid) is written afterwards, for each run.
//
// The package does not depend on a particular cache, model, database or journal: it declares the interfaces that it
// needs. Package runner limits how many runs are in progress, sets their deadlines and records how they end.
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
	// Generate blocks until the answer is complete. If onText is not nil, it is also called with each piece of text as
	// it arrives, in order, on the caller's goroutine. Errors are *study.Error and contain no text of the prompt.
	// Generate returns soon after ctx ends.
	Generate(ctx context.Context, p study.Prompt, onText func(string)) (study.Answer, error)
}

// Cache may drop any entry at any time and never fails; see cache.Cache.
type Cache interface {
	Get(ctx context.Context, key string) (value []byte, age time.Duration, ok bool)
	Set(ctx context.Context, key string, value []byte)
}

// The parts of a user's data that have version counters.
const (
	ResourceNotes       = "notes"
	ResourcePreferences = "preferences"
	ResourceAids        = "aids"
	ResourceAttempts    = "attempts" // at quizzes and exams
)

// Versions reports whether a user's data has changed.
type Versions interface {
	// Version changes with every acknowledged change of the resource. Data read from the Store after a call of Version
	// is valid as long as Version returns the same number. It returns ok == false while it cannot guarantee this.
	Version(user, resource string) (number uint64, ok bool)
}

// Store stores notes, conversations, aids and executions. Errors are *study.Error: CodeNotFound means that the item
// does not exist, any other code that the store failed.
type Store interface {
	// Session returns a session, whichever user owns it.
	Session(ctx context.Context, id string) (study.Session, error)
	// Messages returns the newest messages of a session, oldest first.
	Messages(ctx context.Context, sessionID string, limit int) ([]study.Message, error)
	// NotesByID returns the notes in the order of ids, or CodeNotFound if one of them does not exist or belongs to
	// another user.
	NotesByID(ctx context.Context, userID string, ids []string) ([]study.Note, error)
	// SearchNotes returns the user's notes that contain any of the words, best matches first; without words, the newest
	// notes.
	SearchNotes(ctx context.Context, userID, words string, limit int) ([]study.Note, error)
	// SearchPassages returns passages of the given notes (CodeNotFound if one does not exist or belongs to another
	// user), or of all of the user's notes if noteIDs is empty. Passages that contain the words come first; after them,
	// passages of the notes in turn.
	SearchPassages(ctx context.Context, userID string, noteIDs []string, words string, limit int) ([]study.Passage, error)
	// SessionSource returns what the last KeepSessionSource stored, or zero values.
	SessionSource(ctx context.Context, sessionID string) (noteIDs []string, content string, err error)
	// KeepSessionSource stores the sources of a conversation: the notes that were named and the text that was given.
	KeepSessionSource(ctx context.Context, sessionID string, noteIDs []string, content string) error
	// Preferences returns the user's preferences, the zero value if there are none.
	Preferences(ctx context.Context, userID string) (study.Preferences, error)
	// ContentStats counts the user's saved aids.
	ContentStats(ctx context.Context, userID string) (map[study.Type]int, error)
	// WeakTopics returns the topics of the user's poor results in quizzes and exams, the worst first.
	WeakTopics(ctx context.Context, userID string) ([]string, error)
	// AppendMessages adds messages to a session, and creates the session if it does not exist.
	AppendMessages(ctx context.Context, s study.Session, msgs ...study.Message) error
	// EndRun does what AppendMessages does and records the end of the run, in one transaction.
	EndRun(ctx context.Context, r study.Run, s study.Session, msgs ...study.Message) error
	// SaveContent saves an aid and returns it with its id. If an aid with the same user and Answer exists, it returns
	// that one.
	SaveContent(ctx context.Context, c study.Content) (study.Content, error)
	// RecordExecution never blocks.
	RecordExecution(e study.Execution)
}

// Deps are the dependencies of an Orchestrator. Model, Cache and Store are required.
type Deps struct {
	Model Model
	Judge Model // checks answers, if Options.Judge is JudgeModel; default: Model
	Cache Cache // of answers
	Store Store
	Log   *slog.Logger // default: discards

	// Parts caches parts of contexts for as long as Versions reports them valid. It is read on the run's own goroutine,
	// so it must be a cache in this process. If Parts or Versions is nil, every part is read from the Store each time.
	Parts    Cache
	Versions Versions

	// Spend counts a run that is about to call the model against the limits of its user and clients; if it returns an
	// error, the call is refused. nil = calls are not counted. Answers from the cache, and answers that another run is
	// making, are not counted.
	Spend func(ctx context.Context, user string, clients []string) error
}

// Options limit what an Orchestrator does. A zero field selects the default.
type Options struct {
	// Deterministic means that the model gives equal answers to equal prompts and ignores corrections; a faulty answer
	// is then not requested a second time.
	Deterministic bool
	// Judge selects the checks of aids: JudgeOff checks shape and safety only; JudgeRules, the default, also checks the
	// evidence; JudgeModel also has a model score safety, quality and accuracy, in one more call.
	Judge string

	// ContextTokens returns the size of the model's context. It is called when a text is long and may block for a few
	// seconds. nil = 32,000.
	ContextTokens func(context.Context) int

	MaxCalls      int           // HTTP calls to models per request; default 8. At most 3 for one text, or for one part of it
	MaterialRunes int           // runes of source text in a chat's prompt, and of the message; longer text is cut, and the answer says so; default 24,000
	GatherTimeout time.Duration // for one part of the context; default 2 s
	AnswerTimeout time.Duration // for one answer, corrections and checks included; default 2 min
	JudgeTimeout  time.Duration // for the check by a model; default 1 min
	SaveTimeout   time.Duration // for saving an answer; default 3 s
	CacheTimeout  time.Duration // for one cache call; default 250 ms
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

// Outcome is a finished run. Other runs of the same brief may share Result.Data, so it must not be modified.
type Outcome struct {
	RunID     string
	Result    study.Result
	FromCache bool          // the answer was made for an earlier request, and the user has received it before
	Age       time.Duration // since it was cached, if FromCache
}

// Observer receives what a client may watch, on the goroutine that called Run. A nil function is not called.
type Observer struct {
	Progress func(study.Progress) // the six steps in order, and each delay that the AI service requests
	Token    func(text string)    // a chat's text, in pieces that join to the answer
	Item     func(study.Item)     // a finished part of an aid; provisional until the aid is complete

	// Outcome encodes the result of a run that was recorded when it began. The question's message then has the run's
	// id. nil = the run is not recorded.
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
