package agent

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"studysharper/app/study"
	"studysharper/app/text"
)

// Bounds of what a prompt is given. The contract allows ten messages with the text
// of the newest five; one without its text tells a model nothing, so five are read.
const (
	historyMessages   = 5
	historyRunes      = 200 // of each
	searchedNotes     = 5
	relevantShare     = .34 // of the words looked for, that a note must hold
	longMessageRunes  = 200 // from here on a message that asks for an aid is its source
	relevanceRunes    = 8_000
	boundaryShare     = 10 // a cut text may lose 1/10 to end at a sentence
	paragraphBoundary = "\n\n"
)

// gathered is the context of a run.
type gathered struct {
	history  []study.Turn
	material string
	notes    int  // in the material
	content  bool // options.content is in the material
	cut      bool // the material was longer than it may be
	warnings []string
}

// notesFound is the part of the context that comes from notes.
type notesFound struct {
	list    []study.Note
	warning string
}

// gather reads conversation and notes at once, each within its own time, and makes
// the brief. Only what the student named outright may fail the request.
func (r *run) gather(ctx context.Context) error {
	var talk talkFound
	var notes notesFound
	group, within := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		defer contain(r.Log, r.id, &err)
		talk, err = r.conversation(within)
		return err
	})
	group.Go(func() (err error) {
		defer contain(r.Log, r.id, &err)
		notes, err = r.notes(within)
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	r.known = gathered{history: talk.turns}
	for _, w := range []string{talk.warning, notes.warning} {
		if w != "" {
			r.known.warnings = append(r.known.warnings, w)
		}
	}
	r.compose(notes.list)
	r.brief = study.Brief{Type: r.req.Type, Message: r.req.Message, Options: r.req.Options,
		Material: r.known.material, History: r.known.history}
	return nil
}

// talkFound is the part of the context that comes from the session.
type talkFound struct {
	turns   []study.Turn
	warning string
}

// conversation reads what was said before. Requests that name their type stand for
// themselves, so only a chat is given its history. Another user's session is, to
// this one, none.
func (r *run) conversation(ctx context.Context) (talkFound, error) {
	ctx, cancel := context.WithTimeout(ctx, r.o.GatherTimeout)
	defer cancel()
	session, err := r.Store.Session(ctx, r.req.SessionID)
	switch {
	case isCode(err, study.CodeNotFound):
		return talkFound{}, nil
	case err != nil:
		return r.talkLost(err), nil
	case session.UserID != r.req.UserID:
		return talkFound{}, study.Errorf(study.CodeNotFound, "there is no such session")
	case !r.asChat:
		return talkFound{}, nil
	}
	messages, err := r.Store.Messages(ctx, r.req.SessionID, historyMessages)
	if err != nil {
		return r.talkLost(err), nil
	}
	turns := make([]study.Turn, 0, len(messages))
	for _, m := range messages[max(0, len(messages)-historyMessages):] {
		turns = append(turns, study.Turn{Role: m.Role, Text: clip(m.Text, historyRunes)})
	}
	return talkFound{turns: turns}, nil
}

func (r *run) talkLost(err error) talkFound {
	r.Log.Warn("a conversation could not be read", "run", r.id, "error", err)
	if !r.asChat {
		return talkFound{}
	}
	return talkFound{warning: "the conversation so far could not be read"}
}

// notes reads the notes named, or else, when the request brings no text of its own,
// those that match it.
func (r *run) notes(ctx context.Context) (notesFound, error) {
	ctx, cancel := context.WithTimeout(ctx, r.o.GatherTimeout)
	defer cancel()
	if len(r.req.NoteIDs) > 0 {
		list, err := r.Store.NotesByID(ctx, r.req.UserID, r.req.NoteIDs)
		return notesFound{list: list}, namedNotesError(err)
	}
	if r.bringsText() {
		return notesFound{}, nil
	}
	words := r.searchWords()
	if words == "" && r.req.Type == study.Chat {
		return notesFound{}, nil
	}
	list, err := r.Store.SearchNotes(ctx, r.req.UserID, words, searchedNotes)
	if err != nil {
		r.Log.Warn("notes could not be searched", "run", r.id, "error", err)
		return notesFound{warning: "your notes could not be searched"}, nil
	}
	return notesFound{list: relevant(list[:min(len(list), searchedNotes)], words)}, nil
}

// namedNotesError says why notes that were asked for by id cannot be had.
func namedNotesError(err error) error {
	if err == nil || isCode(err, study.CodeNotFound) || isCode(err, study.CodeInvalid) {
		return err
	}
	return &study.Error{Code: study.CodeUnavailable, Message: "the notes cannot be read right now", Cause: err}
}

// bringsText reports whether the request holds its own source text.
func (r *run) bringsText() bool {
	return strings.TrimSpace(r.req.Options.Content) != "" || r.messageIsSource()
}

func (r *run) messageIsSource() bool {
	return r.req.Type != study.Chat && utf8.RuneCountInString(r.req.Message) >= longMessageRunes
}

// orderWords say what to make, not what about.
var orderWords = stemSet(`make create generate write give show quiz test exam flashcard flash card summary summarise
	summarize plan schedule note notes analyse analyze analysis review question questions please help me need want study
	practice explain tell know understand describe what how why`)

func stemSet(words string) map[string]bool {
	set := make(map[string]bool)
	for w := range strings.FieldsSeq(words) {
		set[text.Stem(w)] = true
	}
	return set
}

// searchWords is what notes are looked for by: the topic, or what the message is about.
func (r *run) searchWords() string {
	if topic := strings.TrimSpace(r.req.Options.Topic); topic != "" {
		return topic
	}
	var about []string
	for _, w := range text.Words(clip(r.req.Message, 1000)) {
		if !orderWords[text.Stem(w)] && strings.Trim(w, "0123456789") != "" {
			about = append(about, w)
		}
	}
	return strings.Join(about, " ")
}

// relevant keeps the notes that hold enough of the words; a search finds any of them.
func relevant(list []study.Note, words string) []study.Note {
	kept := make([]study.Note, 0, len(list))
	for _, n := range list {
		if words == "" || text.Overlap(words, n.Title+"\n"+clip(n.Content, relevanceRunes)) >= relevantShare {
			kept = append(kept, n)
		}
	}
	return kept
}

// compose puts the material together: the student's own text first, then notes, as
// far as the budget goes.
func (r *run) compose(notes []study.Note) {
	k := &r.known
	own := r.req.Options.Content
	k.content = strings.TrimSpace(own) != ""
	if !k.content && len(notes) == 0 && r.messageIsSource() {
		own = r.req.Message
	}
	var parts []string
	left := r.o.MaterialRunes
	add := func(s string) bool {
		if left <= 0 {
			k.cut = true
			return false
		}
		part, cut := cutAtSentence(s, left)
		k.cut = k.cut || cut
		left -= utf8.RuneCountInString(part) + len(paragraphBoundary)
		parts = append(parts, part)
		return true
	}
	if strings.TrimSpace(own) != "" {
		add(own)
	}
	for _, n := range notes {
		if add("# " + n.Title + paragraphBoundary + n.Content) {
			k.notes++
		}
	}
	k.material = strings.Join(parts, paragraphBoundary)
	if k.cut {
		k.warnings = append(k.warnings, "the source text was too long and only its beginning was used")
	}
}

// cutAtSentence shortens s to at most n runes, at the end of a sentence where one
// is near.
func cutAtSentence(s string, n int) (part string, cut bool) {
	part = clip(s, n)
	if len(part) == len(s) {
		return s, false
	}
	if i := strings.LastIndexAny(part, ".!?\n"); i > len(part)-len(part)/boundaryShare {
		part = part[:i+1]
	}
	return part, true
}

// clip shortens s to at most n runes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

func isCode(err error, code study.Code) bool {
	e, ok := errors.AsType[*study.Error](err)
	return ok && e.Code == code
}
