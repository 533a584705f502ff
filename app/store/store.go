// Package store keeps what must outlive a process: students' notes, conversations,
// the study aids made for them, their ratings and preferences, and a short history of
// runs for the operator. The one idea: a single Store contract, documented here in full and held
// by one conformance suite (storetest), behind which each database is one opener.
package store

import (
	"context"
	"time"

	"studysharper/app/study"
)

// Bounds of what is kept. Text over a bound is refused with CodeInvalid unless the
// method says that it is cut.
const (
	MaxRows         = 200     // of any list; limits are clamped to 1..MaxRows
	MaxListBytes    = 1 << 20 // of one list, as JSON; a list ends early rather than exceed it, but never empty
	MaxGivenBytes   = 8 << 20 // text of the notes that a request names
	MaxTitleRunes   = 200     // of a note or a content; of a subject
	MaxTags         = 20      // of a note, of MaxTagRunes each
	MaxTagRunes     = 50
	MaxNoteBytes    = 1 << 20  // a note's content
	MaxDataBytes    = 1 << 20  // a content's JSON
	MaxMessageBytes = 64 << 10 // a message's text; longer is cut at a rune
	MaxAnswerKey    = 128      // bytes of a content's Answer
	MaxRatingRunes  = 4000     // a rating's text
	MaxRanked       = 400      // passages that hold a word of a search: the newest ones are compared
	MaxRunBytes     = 2 << 20  // a run's request, and its outcome
	MaxRatingIssues = 20       // a rating's issues, of MaxTitleRunes each
)

// Store is the whole contract. All methods may be called at once from any number of
// goroutines, and several processes may hold a Store on the same database.
//
// Errors are *study.Error: CodeNotFound for what is not there or is another user's;
// CodeInvalid, with faults, for what is out of bounds; CodeUnavailable when the
// database is away, damaged, full, closed or locked for longer than
// Options.BusyTimeout; CodeTimeout when the caller's deadline came first. Methods
// with a context wait for at most BusyTimeout, or until it ends; what SQLite has begun by
// then, a read within its bounds or a transaction, is waited for. A write that
// returned nil survives the death of the process.
//
// Text must be valid UTF-8 without NUL. Times come back in UTC, in whole
// microseconds. Lists are never nil, come in pages (see Page) of at most MaxRows rows and
// MaxListBytes, and each with the cursor of the next page. A cursor that is
// none, or another list's, is CodeInvalid naming the field "before". What a method
// returns belongs to the caller.
type Store interface {
	Notes
	Conversations
	Contents
	Reviews
	Attempts
	Preferences
	Executions
	Idempotency
	Runs
	UserData
	Accounts
	Usage

	// Ping reports whether the database answers a query now.
	Ping(ctx context.Context) error
	// Close writes the executions still waiting, for at most two seconds, and lets
	// go of the database. Later calls do nothing and return nil; every other method
	// of a closed Store fails with CodeUnavailable.
	Close() error
}

// Notes keeps students' texts. A userID of "" means: do not check the owner.
type Notes interface {
	// CreateNote keeps the note under an id of its own (UUID v7) with the present
	// time, and returns it so; the id and times of the argument are not read.
	CreateNote(ctx context.Context, n study.Note) (study.Note, error)
	// Note returns one note.
	Note(ctx context.Context, userID, id string) (study.Note, error)
	// UpdateNote replaces the parts that are not nil and returns the note as it is
	// then.
	UpdateNote(ctx context.Context, userID, id string, change study.NoteChange) (study.Note, error)
	// DeleteNote removes one note.
	DeleteNote(ctx context.Context, userID, id string) error
	// Notes lists or searches a user's notes. What a search finds is one page.
	Notes(ctx context.Context, q NoteQuery) (notes []study.Note, next string, err error)
	// NotesByID returns the notes in the order of ids, each once. One that is
	// unknown or another user's makes the whole call CodeNotFound, naming it. More
	// than MaxRows ids, or notes of more than MaxGivenBytes together, are CodeInvalid.
	NotesByID(ctx context.Context, userID string, ids []string) ([]study.Note, error)
	// SearchPassages finds the passages that answer a question, the best first, and then so that the notes take
	// turns. A note that was kept by an older version is found once Run has indexed it.
	SearchPassages(ctx context.Context, q PassageQuery) ([]study.Passage, error)
}

// Conversations keeps sessions and their messages.
type Conversations interface {
	// AppendMessages adds messages in their order, making the session first if it is
	// new, in one transaction. Session needs ID (a UUID) and UserID; its title is kept
	// if none is kept yet. A session of another user is CodeNotFound. A message
	// without id or time gets one; one whose id the session already holds is left as
	// it is, so that an append may be repeated. Text over MaxMessageBytes is cut, and
	// NUL or broken UTF-8 in it becomes U+FFFD. At most MaxRows messages a call.
	AppendMessages(ctx context.Context, s study.Session, msgs ...study.Message) error
	// Sessions lists a user's sessions, the one last written to first.
	Sessions(ctx context.Context, userID string, p Page) (sessions []study.Session, next string, err error)
	// Session returns one session, whoever owns it.
	Session(ctx context.Context, id string) (study.Session, error)
	// SessionSource returns what KeepSessionSource kept last; nothing if there is nothing.
	SessionSource(ctx context.Context, sessionID string) (noteIDs []string, content string, err error)
	// KeepSessionSource keeps the notes (at most MaxRows) and the text (at most MaxNoteBytes) that a session is about.
	// Those of an unknown session are not kept.
	KeepSessionSource(ctx context.Context, sessionID string, noteIDs []string, content string) error
	// DeleteSession removes a session, whoever owns it, and its messages.
	DeleteSession(ctx context.Context, id string) error
	// Messages returns the newest messages of a session, or the newest before a
	// cursor, the oldest of them first; none for a session that does not exist.
	Messages(ctx context.Context, sessionID string, p Page) (messages []study.Message, next string, err error)
}

// Contents keeps study aids and what students think of them. A userID of "" means: do not
// check the owner. An aid of another type than the one asked for is not there.
type Contents interface {
	// SaveContent keeps an aid under an id of its own (UUID v7) with the present time,
	// and returns it so. Type must be a key of study.ContentTypes, Data JSON; items of it without
	// an id get one, and Items is counted. Without a Subject it gets that of its first note. Where an aid
	// of the user's with the same Answer is kept already, that one is returned, and
	// nothing is changed. Notes are MaxRows at most.
	SaveContent(ctx context.Context, c study.Content) (study.Content, error)
	// Content returns one aid.
	Content(ctx context.Context, userID string, t study.Type, id string) (study.Content, error)
	// Contents lists a user's aids, newest first.
	Contents(ctx context.Context, q ContentQuery) (contents []study.Content, next string, err error)
	// UpdateContent changes an aid's Title, Subject and Data and returns it as it is then, with Items
	// counted. change may be called again when the transaction broke off; its error is returned, and then
	// nothing is changed.
	UpdateContent(ctx context.Context, userID string, t study.Type, id string, change func(*study.Content) error) (study.Content, error)
	// MergeContents moves the items of other aids of the same type and owner into one, which is
	// returned, and removes the others, in one transaction. See library.Merge.
	MergeContents(ctx context.Context, userID string, t study.Type, into string, from ...string) (study.Content, error)
	// DeleteContent removes an aid, its ratings, attempts and cards.
	DeleteContent(ctx context.Context, userID string, t study.Type, id string) error
	// ContentStats counts a user's aids; every type of study.ContentTypes has a count.
	ContentStats(ctx context.Context, userID string) (map[study.Type]int, error)
	// SaveFeedback keeps a rating of an aid of the user's own (else CodeNotFound). A
	// second rating of the same aid replaces the first.
	SaveFeedback(ctx context.Context, f study.Feedback) error
}

// Reviews keeps what is remembered of the cards of a student's decks, and the reviews. A userID of ""
// means: do not check the owner; what is asked of all cards needs one.
type Reviews interface {
	// DueCards lists the cards to review at a moment, and counts them all.
	DueCards(ctx context.Context, q DueQuery) (DueCards, error)
	// ReviewCard keeps a review and gives the card as next makes it. One whose ID is kept already gives the card as it was after
	// it. CodeConflict: the ID is of another card's review, or the card was reviewed later than that.
	ReviewCard(ctx context.Context, v study.Review, next Schedule) (study.Card, error)
	// UndoReview removes a card's latest review; CodeConflict for an earlier one, or when the card was reset since.
	UndoReview(ctx context.Context, userID, cardID, reviewID string) (study.Card, error)
	// SuspendCard takes a card out of what is due, or puts it back.
	SuspendCard(ctx context.Context, userID, cardID string, suspended bool) (study.Card, error)
	// ResetCard makes a card new. Its reviews stay in the counts.
	ResetCard(ctx context.Context, userID, cardID string) (study.Card, error)
	// ReviewCounts counts by day: cards due in the days from today on, and reviews in the days up to it.
	ReviewCounts(ctx context.Context, userID string, s study.ReviewSettings, today int64, days int) (ReviewCounts, error)
	// DeckStats counts a user's cards by deck, the newest decks first, MaxRows at most.
	DeckStats(ctx context.Context, userID string, at time.Time) ([]study.DeckStats, error)
	// ReviewSettings returns what SaveReviewSettings kept last for the user, or the defaults.
	ReviewSettings(ctx context.Context, userID string) (study.ReviewSettings, error)
	// SaveReviewSettings replaces a user's settings and returns them with the present time.
	SaveReviewSettings(ctx context.Context, s study.ReviewSettings) (study.ReviewSettings, error)
}

// Attempts keeps how students did at quizzes and exams. A userID of "" means: do not check the owner. An aid of another
// type than the one asked for is not there.
type Attempts interface {
	// SaveAttempt keeps an attempt at an aid of a.UserID's under the next number and with the present time, and returns
	// it so. Of an aid the newest KeptAttempts are kept; MaxAttemptBytes bounds each.
	SaveAttempt(ctx context.Context, a study.Attempt) (study.Attempt, error)
	// Attempts lists the attempts at an aid, newest first.
	Attempts(ctx context.Context, userID string, t study.Type, contentID string, p Page) (attempts []study.Attempt, next string, err error)
	// Attempt returns one attempt at an aid.
	Attempt(ctx context.Context, userID string, t study.Type, contentID string, n int64) (study.Attempt, error)
	// UpdateAttempt changes what is kept of an attempt, but not its place and time, and returns it as it is then. change
	// may be called again when the transaction broke off; its error is returned, and then nothing is changed.
	UpdateAttempt(ctx context.Context, userID string, t study.Type, contentID string, n int64, change func(*study.Attempt) error) (study.Attempt, error)
	// WeakTopics returns study.WeakTopics of a user's newest 20 attempts.
	WeakTopics(ctx context.Context, userID string) ([]string, error)
}

// Preferences keeps students' standing wishes.
type Preferences interface {
	// Preferences returns what SavePreferences kept last for the user. Where nothing
	// is kept, all but UserID is zero.
	Preferences(ctx context.Context, userID string) (study.Preferences, error)
	// SavePreferences replaces a user's preferences and returns them with the present
	// time. Each is one of the words that study.Preferences names, or "".
	SavePreferences(ctx context.Context, p study.Preferences) (study.Preferences, error)
}

// Executions keeps a history of runs, for Options.KeepExecutions.
type Executions interface {
	// RecordExecution notes a finished run. It never blocks and never fails: the
	// entry waits in memory until Run or Close writes it, and when
	// Options.ExecutionBuffer entries wait, the oldest is dropped and counted. A run
	// without a time gets the present one. Texts in it
	// are copied, cleaned like a message's, and cut to 512 bytes.
	RecordExecution(e study.Execution)
	// ExecutionsDropped counts the entries this Store has lost so far.
	ExecutionsDropped() uint64
	// Run does the Store's background work until ctx ends: it writes what
	// RecordExecution noted every Options.FlushEvery or 64 entries, removes old
	// executions once an hour, and bounds the write-ahead log. Before it returns nil
	// it writes what still waits, for at most two seconds. One Run a Store.
	Run(ctx context.Context) error
	// Totals sums the executions written by all processes since a time.
	Totals(ctx context.Context, since time.Time) (study.Totals, error)
	// Failures lists the failed executions, newest first.
	Failures(ctx context.Context, p Page) (failed []study.Execution, next string, err error)
	// Activity lists a user's executions, newest first.
	Activity(ctx context.Context, userID string, p Page) (runs []study.Execution, next string, err error)
	// Prune removes executions older than a time and says how many. It goes in small
	// transactions, so that writers do not wait for it.
	Prune(ctx context.Context, before time.Time) (int64, error)
}

// Idempotency keeps what requests that carry a Key were answered with, for KeepAnswers and
// within the bounds beside it, so that a request that is sent again is not carried out again.
// A key used for another request is CodeInvalid; one whose first request is still under way
// is CodeConflict, with RetryAfter.
type Idempotency interface {
	// Once runs f and keeps its answer, in one transaction with all that f changes
	// by methods of this Store that it calls with its context. Where the key has
	// an answer, that is returned, replayed, and f is not called. If f fails, nothing is changed
	// or kept. f may be called again when the transaction broke off, and on another goroutine; no
	// other change is made meanwhile, so it must not wait for anything else.
	Once(ctx context.Context, k Key, f func(context.Context) (Answer, error)) (a Answer, replayed bool, err error)
	// ClaimKey is for a request that takes longer than a transaction: it gives the claim to
	// carry it out, or what was answered to it (kept). The claim lasts for lease, should its holder die.
	ClaimKey(ctx context.Context, k Key, lease time.Duration) (c Claim, kept *Answer, err error)
	// ExtendClaim makes a claim last for lease from now; CodeNotFound when it is lost.
	ExtendClaim(ctx context.Context, c Claim, lease time.Duration) error
	// SettleClaim keeps the answer, unless the claim is lost.
	SettleClaim(ctx context.Context, c Claim, a Answer) error
	// ReleaseClaim gives the key back: the request may be tried again.
	ReleaseClaim(ctx context.Context, c Claim) error
}

// Runs keeps the record of runs, which outlives their journal and their process. They are removed with
// their session, and after Options.Retention.
type Runs interface {
	// BeginRun keeps a run that is under way, and appends messages to its session, in one
	// transaction. Request and the run's outcome have MaxRunBytes at most.
	BeginRun(ctx context.Context, r study.Run, s study.Session, msgs ...study.Message) error
	// EndRun notes the end of a run and appends messages to a session (if s has an ID), in one transaction. A run that
	// has ended, or was removed, stays as it is.
	EndRun(ctx context.Context, r study.Run, s study.Session, msgs ...study.Message) error
	// RunByID returns one run, whoever owns it. One that BeginRun did not keep is there, without its result, as long as
	// its execution.
	RunByID(ctx context.Context, id string) (study.Run, error)
	// NewestRun returns the run of a session that was begun last, whoever owns it.
	NewestRun(ctx context.Context, session string) (study.Run, error)
	// KeepRunsAlive notes that a worker works on runs, and returns those that have ended or were removed.
	KeepRunsAlive(ctx context.Context, worker string, ids ...string) (ended []string, err error)
	// PruneRuns removes the runs that were begun before a time and says how many.
	PruneRuns(ctx context.Context, before time.Time) (int64, error)
}

// UserData is what concerns everything of a user.
type UserData interface {
	// Ratings lists a user's ratings, those of the newest aids first.
	Ratings(ctx context.Context, userID string, p Page) (ratings []study.Rating, next string, err error)
	// UserReviews lists a user's reviews, the latest first.
	UserReviews(ctx context.Context, userID string, p Page) (reviews []study.DoneReview, next string, err error)
	// UserAttempts lists a user's attempts, newest first.
	UserAttempts(ctx context.Context, userID string, p Page) (attempts []study.Attempt, next string, err error)
	// UserCards lists the cards of a user's decks with what is remembered of them, the newest first.
	UserCards(ctx context.Context, userID string, p Page) (cards []study.Card, next string, err error)
	// DeleteUser removes everything that is kept of a user, in transactions of a few rows, so that writers do not wait
	// for it. When it breaks off, the rest stays and the call may be repeated. It does not keep others from writing
	// for the user meanwhile: runs that are under way should be cancelled before.
	DeleteUser(ctx context.Context, userID string) error
}

// Accounts keeps who may sign in, and where they have. Texts of a device are cut to MaxNameBytes.
type Accounts interface {
	// Secret returns the secret of a name: what the first call for it, of all processes, gave as fresh.
	Secret(ctx context.Context, name string, fresh []byte) ([]byte, error)
	// CreateAccount keeps an account with its UserID and CodeHash; CodeConflict where the user has one.
	CreateAccount(ctx context.Context, a study.Account) error
	// Account returns a user's account.
	Account(ctx context.Context, userID string) (study.Account, error)
	// AccountByCode returns the account with the hash of a study code.
	AccountByCode(ctx context.Context, hash []byte) (study.Account, error)
	// ReplaceCode gives an account another study code; the one before it opens nothing any more.
	ReplaceCode(ctx context.Context, userID string, hash []byte) error
	// DeleteAccount removes an account and its devices, if there is one; what is kept of the user stays.
	DeleteAccount(ctx context.Context, userID string) error
	// OpenDevice keeps a device of d.UserID, called d.Name, under an id of its own, and returns it so. Of more than
	// MaxDevices, the one that was not seen for longest is removed.
	OpenDevice(ctx context.Context, d study.Device) (study.Device, error)
	// Device returns one device, whoever owns it.
	Device(ctx context.Context, id string) (study.Device, error)
	// Devices lists a user's devices, the one last seen first.
	Devices(ctx context.Context, userID string) ([]study.Device, error)
	// SeeDevice notes that a device was seen now. Run removes those not seen for KeepDevices.
	SeeDevice(ctx context.Context, id string) error
	// EndDevice removes a device of the user's.
	EndDevice(ctx context.Context, userID, id string) error
	// EndDevices removes all devices of a user but one; "" = all.
	EndDevices(ctx context.Context, userID, except string) error
}

// Usage tells what users keep and spend. Writes that would keep more of a user than Options.QuotaBytes and QuotaItems are
// CodeQuota with the numbers, except for the end of a run that has begun.
type Usage interface {
	// Holding returns what is kept of a user.
	Holding(ctx context.Context, userID string) (study.Holding, error)
	// Tokens returns those of the executions that were written on the day of a time, UTC: of all users, and of one.
	Tokens(ctx context.Context, userID string, at time.Time) (all, own int64, err error)
	// PruneSessions removes the sessions not written to since a time and says how many.
	PruneSessions(ctx context.Context, before time.Time) (int64, error)
}
