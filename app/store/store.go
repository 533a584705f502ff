// Package store stores the data that must outlive a process: students' notes, conversations, study aids with their
// ratings and reviews, preferences, accounts, and a short history of runs for the operator. The main idea: one Store
// contract, documented here in full, with one conformance suite (storetest); each database is one engine behind it.
package store

import (
	"context"
	"time"

	"studysharper/app/study"
)

// Bounds of stored data. Text above a bound is refused with CodeInvalid, unless the method says that it is cut.
const (
	MaxRows         = 200     // per list; limits are clamped to 1..MaxRows
	MaxListBytes    = 1 << 20 // per list, as JSON; a list ends early rather than exceed it, but is never empty
	MaxGivenBytes   = 8 << 20 // of the text of all notes that a request names
	MaxTitleRunes   = 200     // of a note or a content; of a subject
	MaxTags         = 20      // of a note, of MaxTagRunes each
	MaxTagRunes     = 50
	MaxNoteBytes    = 1 << 20  // a note's content
	MaxDataBytes    = 1 << 20  // a content's JSON
	MaxMessageBytes = 64 << 10 // a message's text; longer is cut at a rune
	MaxAnswerKey    = 128      // bytes of a content's Answer
	MaxRatingRunes  = 4000     // a rating's text
	MaxRanked       = 400      // passages ranked for a search: those with the rarest words, and of equals the newest
	MaxRunBytes     = 2 << 20  // a run's request, and its outcome
	MaxRatingIssues = 20       // a rating's issues, of MaxTitleRunes each
)

// Store is the complete contract. All methods may be called concurrently from any number of goroutines, and several
// processes may open a Store on the same database.
//
// Errors are *study.Error: CodeNotFound for rows that do not exist or belong to another user; CodeInvalid, with faults,
// for arguments out of bounds; CodeUnavailable if the database is unreachable, damaged, full, closed, or locked for
// longer than Options.BusyTimeout; CodeTimeout if the caller's deadline came first. Methods with a context return after
// BusyTimeout, or when the context ends, except that work which SQLite has begun by then (a bounded read, or a
// transaction) is completed first. A write that returned nil survives the death of the process.
//
// Text must be valid UTF-8 without NUL. Times are returned in UTC, in whole microseconds. Lists are never nil; they come
// in pages (see Page) of at most MaxRows rows and MaxListBytes, with the cursor of the next page. A cursor that is
// malformed, or of another list, is CodeInvalid for the field "before". Returned values belong to the caller.
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
	// Size returns the size of the database in bytes, including its indexes. It reads no table.
	Size(ctx context.Context) (int64, error)
	// Close writes the waiting executions, for at most two seconds, and closes the database. Further calls do nothing and
	// return nil; all other methods of a closed Store return CodeUnavailable.
	Close() error
}

// Notes stores students' texts. An empty userID skips the check of the owner.
type Notes interface {
	// CreateNote stores the note under a new id (UUID v7) with the current time, and returns it so. It ignores the id and
	// the times of its argument.
	CreateNote(ctx context.Context, n study.Note) (study.Note, error)
	// Note returns one note.
	Note(ctx context.Context, userID, id string) (study.Note, error)
	// UpdateNote replaces the fields that are not nil and returns the updated note.
	UpdateNote(ctx context.Context, userID, id string, change study.NoteChange) (study.Note, error)
	// DeleteNote removes one note.
	DeleteNote(ctx context.Context, userID, id string) error
	// Notes lists or searches a user's notes. A search has one page of results.
	Notes(ctx context.Context, q NoteQuery) (notes []study.Note, next string, err error)
	// NotesByID returns the notes in the order of ids, without duplicates. If one is unknown or another user's, the call
	// returns CodeNotFound and names it. More than MaxRows ids, or notes of more than MaxGivenBytes in total, are
	// CodeInvalid.
	NotesByID(ctx context.Context, userID string, ids []string) ([]study.Note, error)
	// SearchPassages finds the passages that answer a question: the best ones first, then one of each other note, then
	// the rest. A note that an older version stored is found once Run has indexed it.
	SearchPassages(ctx context.Context, q PassageQuery) ([]study.Passage, error)
}

// Conversations stores sessions and their messages.
type Conversations interface {
	// AppendMessages appends messages in their order and creates the session if it is new, in one transaction. The
	// session needs ID (a UUID) and UserID; its title is stored if there is none yet. A session of another user is
	// CodeNotFound. A message without id or time gets one. A message whose id the session already has stays unchanged,
	// so that an append may be repeated. Text over MaxMessageBytes is cut, and NUL or invalid UTF-8 in it becomes
	// U+FFFD. A call accepts at most MaxRows messages.
	AppendMessages(ctx context.Context, s study.Session, msgs ...study.Message) error
	// Sessions lists a user's sessions, the one with the latest message first.
	Sessions(ctx context.Context, userID string, p Page) (sessions []study.Session, next string, err error)
	// Session returns one session, whatever its owner.
	Session(ctx context.Context, id string) (study.Session, error)
	// SessionSource returns what KeepSessionSource stored last; zero values if nothing is stored.
	SessionSource(ctx context.Context, sessionID string) (noteIDs []string, content string, err error)
	// KeepSessionSource stores the notes (at most MaxRows) and the text (at most MaxNoteBytes) that a session is about.
	// It stores nothing for an unknown session.
	KeepSessionSource(ctx context.Context, sessionID string, noteIDs []string, content string) error
	// DeleteSession removes a session, whatever its owner, and its messages.
	DeleteSession(ctx context.Context, id string) error
	// Messages returns the newest messages of a session, or the newest ones before a cursor, in the order of time; none
	// for an unknown session.
	Messages(ctx context.Context, sessionID string, p Page) (messages []study.Message, next string, err error)
}

// Contents stores study aids and their ratings. An empty userID skips the check of the owner. An aid of another type than
// the requested one is CodeNotFound.
type Contents interface {
	// SaveContent stores an aid under a new id (UUID v7) with the current time, and returns it so. Type must be a key of
	// study.ContentTypes, and Data JSON. Items without an id get one, and Items is set to their number. An empty Subject
	// becomes that of the first note. If the user already has an aid with the same Answer, that aid is returned and
	// nothing is changed. Notes has at most MaxRows entries.
	SaveContent(ctx context.Context, c study.Content) (study.Content, error)
	// Content returns one aid.
	Content(ctx context.Context, userID string, t study.Type, id string) (study.Content, error)
	// Contents lists a user's aids, newest first.
	Contents(ctx context.Context, q ContentQuery) (contents []study.Content, next string, err error)
	// UpdateContent changes an aid's Title, Subject and Data and returns the updated aid, with Items counted. change may
	// be called again if the transaction is retried. If it fails, its error is returned and nothing is changed.
	UpdateContent(ctx context.Context, userID string, t study.Type, id string, change func(*study.Content) error) (study.Content, error)
	// MergeContents moves the items of other aids of the same type and owner into one aid, removes the others, and
	// returns the merged aid, in one transaction. See library.Merge.
	MergeContents(ctx context.Context, userID string, t study.Type, into string, from ...string) (study.Content, error)
	// DeleteContent removes an aid, its ratings, attempts and cards.
	DeleteContent(ctx context.Context, userID string, t study.Type, id string) error
	// ContentStats counts a user's aids; every type of study.ContentTypes has an entry.
	ContentStats(ctx context.Context, userID string) (map[study.Type]int, error)
	// SaveFeedback stores a rating of the user's own aid; another user's aid is CodeNotFound. A second rating of the same
	// aid replaces the first.
	SaveFeedback(ctx context.Context, f study.Feedback) error
}

// Reviews stores the review memory of flashcards, and their reviews. An empty userID skips the check of the owner;
// methods for all of a user's cards require a userID.
type Reviews interface {
	// DueCards lists the cards to review at a time, and counts all of them.
	DueCards(ctx context.Context, q DueQuery) (DueCards, error)
	// SuspendedCards lists a user's suspended cards, of one deck or, if deck is "", of all; the newest cards come
	// first.
	SuspendedCards(ctx context.Context, userID, deck string, limit int) ([]study.Card, error)
	// ReviewCard stores a review and returns the card as changed by next. For a review ID that is already stored, it
	// returns the card as it was after that review. It returns CodeConflict if the ID belongs to another card's review,
	// or if the card has a later review.
	ReviewCard(ctx context.Context, v study.Review, next Schedule) (study.Card, error)
	// UndoReview removes a card's latest review. It returns CodeConflict for an earlier review, or if the card was reset
	// since.
	UndoReview(ctx context.Context, userID, cardID, reviewID string) (study.Card, error)
	// SuspendCard removes a card from the due cards, or puts it back.
	SuspendCard(ctx context.Context, userID, cardID string, suspended bool) (study.Card, error)
	// ResetCard makes a card new. Its reviews still count in statistics.
	ResetCard(ctx context.Context, userID, cardID string) (study.Card, error)
	// ReviewCounts counts, by day, the cards due from today on and the reviews up to today.
	ReviewCounts(ctx context.Context, userID string, s study.ReviewSettings, today int64, days int) (ReviewCounts, error)
	// DeckStats counts a user's cards by deck, newest decks first, at most MaxRows decks.
	DeckStats(ctx context.Context, userID string, at time.Time) ([]study.DeckStats, error)
	// ReviewSettings returns the settings that SaveReviewSettings stored last, or the defaults.
	ReviewSettings(ctx context.Context, userID string) (study.ReviewSettings, error)
	// SaveReviewSettings replaces a user's settings and returns them with the current time.
	SaveReviewSettings(ctx context.Context, s study.ReviewSettings) (study.ReviewSettings, error)
}

// Preferences stores students' preferences for their study aids.
type Preferences interface {
	// Preferences returns the preferences that SavePreferences stored last. If there are none, all fields but UserID are
	// zero.
	Preferences(ctx context.Context, userID string) (study.Preferences, error)
	// SavePreferences replaces a user's preferences and returns them with the current time. Each is one of the values in
	// study.Preferences, or "".
	SavePreferences(ctx context.Context, p study.Preferences) (study.Preferences, error)
}

// Executions stores the history of runs for Options.KeepExecutions.
type Executions interface {
	// RecordExecution records a finished run. It never blocks and never fails: the entry waits in memory until Run or
	// Close writes it; above Options.ExecutionBuffer waiting entries, the oldest is dropped and counted. A run without a
	// time gets the current one. Its texts are copied, cleaned like a message's, and cut to 512 bytes.
	RecordExecution(e study.Execution)
	// ExecutionsDropped counts the entries that this Store has dropped.
	ExecutionsDropped() uint64
	// Run does the Store's background work until ctx ends: it writes recorded executions every Options.FlushEvery or 512
	// entries, removes expired rows once an hour, and indexes the notes of older versions. Before it returns nil, it
	// writes the waiting entries, for at most two seconds. Call it once for each Store.
	Run(ctx context.Context) error
	// Totals sums the executions that all processes have written since a time. Executions removed with their user still
	// count; those removed by Prune count until the whole hour in which they ran is older than that.
	Totals(ctx context.Context, since time.Time) (study.Totals, error)
	// Failures lists the failed executions, newest first.
	Failures(ctx context.Context, p Page) (failed []study.Execution, next string, err error)
	// Activity lists a user's executions, newest first.
	Activity(ctx context.Context, userID string, p Page) (runs []study.Execution, next string, err error)
	// Prune removes executions older than a time and returns how many. It uses small transactions, so that writers do not
	// have to wait.
	Prune(ctx context.Context, before time.Time) (int64, error)
}

// Idempotency stores the answers to requests with a Key, for KeepAnswers and within the other bounds, so that a
// repeated request is not executed again. A key of another request is CodeInvalid; a key whose first request is still
// running is CodeConflict, with RetryAfter.
type Idempotency interface {
	// Once runs f and stores its answer, in one transaction with the changes that f makes through this Store with its
	// context. If the key already has an answer, Once returns it with replayed set and does not call f. If f fails,
	// nothing is changed or stored. f may be called again if the transaction is retried, and on another goroutine. No
	// other change is made while f runs, so it must not wait for anything else.
	Once(ctx context.Context, k Key, f func(context.Context) (Answer, error)) (a Answer, replayed bool, err error)
	// ClaimKey is for a request that takes longer than a transaction: it returns a claim to execute the request, or the
	// stored answer (kept). If the holder dies, the claim expires after lease.
	ClaimKey(ctx context.Context, k Key, lease time.Duration) (c Claim, kept *Answer, err error)
	// ExtendClaim extends a claim to lease from now; CodeNotFound if it is lost.
	ExtendClaim(ctx context.Context, c Claim, lease time.Duration) error
	// SettleClaim stores the answer, unless the claim is lost.
	SettleClaim(ctx context.Context, c Claim, a Answer) error
	// ReleaseClaim frees the key, so that the request may be retried.
	ReleaseClaim(ctx context.Context, c Claim) error
}

// Runs stores a record of each run, which outlives its journal and its process. Runs are removed with their session, and
// after Options.Retention.
type Runs interface {
	// BeginRun stores a run that has started and appends messages to its session, in one transaction. The request and the
	// outcome have at most MaxRunBytes each.
	BeginRun(ctx context.Context, r study.Run, s study.Session, msgs ...study.Message) error
	// EndRun stores the end of a run and appends messages to a session (if s has an ID), in one transaction. A run that
	// has ended or was removed stays unchanged.
	EndRun(ctx context.Context, r study.Run, s study.Session, msgs ...study.Message) error
	// RunByID returns one run, whatever its owner. A run that BeginRun did not store is found, without its result, for as
	// long as its execution is stored.
	RunByID(ctx context.Context, id string) (study.Run, error)
	// NewestRun returns the run of a session that started last, whatever its owner.
	NewestRun(ctx context.Context, session string) (study.Run, error)
	// KeepRunsAlive records that a worker is working on runs, and returns those that have ended or were removed.
	KeepRunsAlive(ctx context.Context, worker string, ids ...string) (ended []string, err error)
	// PruneRuns removes the runs that started before a time and returns how many.
	PruneRuns(ctx context.Context, before time.Time) (int64, error)
}

// UserData has the operations on all data of a user.
type UserData interface {
	// Ratings lists a user's ratings; those of the newest aids come first.
	Ratings(ctx context.Context, userID string, p Page) (ratings []study.Rating, next string, err error)
	// UserReviews lists a user's reviews, newest first.
	UserReviews(ctx context.Context, userID string, p Page) (reviews []study.DoneReview, next string, err error)
	// UserAttempts lists a user's attempts, newest first.
	UserAttempts(ctx context.Context, userID string, p Page) (attempts []study.Attempt, next string, err error)
	// UserCards lists the cards of a user's decks with their review memory, newest first.
	UserCards(ctx context.Context, userID string, p Page) (cards []study.Card, next string, err error)
	// DeleteUser removes all data of a user, in transactions of a few rows, so that writers do not have to wait. If it
	// fails, the rest of the data stays and the call may be repeated. It does not stop other writes for the user in the
	// meantime: cancel the user's runs first.
	DeleteUser(ctx context.Context, userID string) error
}

// Accounts stores users who may sign in, and the devices on which they are signed in. A device's texts are cut to
// MaxNameBytes.
type Accounts interface {
	// Secret returns the secret with this name. The first call, across all processes, stores its fresh as the secret.
	Secret(ctx context.Context, name string, fresh []byte) ([]byte, error)
	// CreateAccount stores an account with its UserID and CodeHash; CodeConflict if the user has one.
	CreateAccount(ctx context.Context, a study.Account) error
	// Account returns a user's account.
	Account(ctx context.Context, userID string) (study.Account, error)
	// AccountByCode returns the account whose study code has this hash.
	AccountByCode(ctx context.Context, hash []byte) (study.Account, error)
	// ReplaceCode gives an account a new study code; the previous one becomes invalid.
	ReplaceCode(ctx context.Context, userID string, hash []byte) error
	// DeleteAccount removes an account and its devices, if there is one; the user's other data stays.
	DeleteAccount(ctx context.Context, userID string) error
	// OpenDevice stores a device of d.UserID, named d.Name, under a new id, and returns it so. Above MaxDevices, it
	// removes the device that was seen least recently.
	OpenDevice(ctx context.Context, d study.Device) (study.Device, error)
	// Device returns one device, whatever its owner.
	Device(ctx context.Context, id string) (study.Device, error)
	// Devices lists a user's devices, the most recently seen first.
	Devices(ctx context.Context, userID string) ([]study.Device, error)
	// SeeDevice records that a device was seen now. Run removes devices not seen for KeepDevices.
	SeeDevice(ctx context.Context, id string) error
	// EndDevice removes one device of a user.
	EndDevice(ctx context.Context, userID, id string) error
	// EndDevices removes all devices of a user except one; "" = all.
	EndDevices(ctx context.Context, userID, except string) error
}

// Usage reports how much users store and spend. A write that would exceed Options.QuotaBytes or QuotaItems is CodeQuota
// with the numbers, except for the end of a run that has started.
type Usage interface {
	// Holding returns how much is stored for a user.
	Holding(ctx context.Context, userID string) (study.Holding, error)
	// Tokens returns the tokens of the executions written on the UTC day of a time: of all users, and of one.
	Tokens(ctx context.Context, userID string, at time.Time) (all, own int64, err error)
	// PruneSessions removes the sessions without a message since a time and returns how many.
	PruneSessions(ctx context.Context, before time.Time) (int64, error)
}
