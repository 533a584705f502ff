package agent

import (
	"context"
	"strings"
	"unicode/utf8"

	"studysharper/app/study"
	"studysharper/app/text"
)

// Bounds of a search for notes.
const (
	searchedNotes    = 5
	relevantShare    = .34 // of the words looked for, that a note must hold
	longMessageRunes = 200 // from here on a message that asks for an aid is its source
	relevanceRunes   = 8_000
)

// notesPart are the notes that the request is drawn from, each as the material shows it:
// those that it names, or else, where it brings no text of its own, those that match it.
func (r *run) notesPart() cachedPart {
	ids := r.req.NoteIDs
	if len(ids) > 0 {
		return cachedPart{needed: true, resource: ResourceNotes, query: append([]string{"named"}, ids...),
			read: func(ctx context.Context) ([]string, error) {
				list, err := r.Store.NotesByID(ctx, r.req.UserID, ids)
				return r.noteTexts(list), err
			}}
	}
	if r.hasOwnText() {
		return cachedPart{}
	}
	words := r.searchWords()
	return cachedPart{needed: r.req.Type != study.Chat || words != "", resource: ResourceNotes, query: []string{"matching", words},
		read: func(ctx context.Context) ([]string, error) {
			list, err := r.Store.SearchNotes(ctx, r.req.UserID, words, searchedNotes)
			return r.noteTexts(relevant(list[:min(len(list), searchedNotes)], words)), err
		}}
}

// noteTexts are notes as far as the material can show them: one that is cut is still longer
// than that, and so found to be cut.
func (r *run) noteTexts(list []study.Note) []string {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = "# " + n.Title + paragraphBoundary + clip(n.Content, r.o.MaterialRunes+1)
	}
	return texts
}

// namedNotesError says why notes that were asked for by id cannot be had.
func namedNotesError(err error) error {
	if isCode(err, study.CodeNotFound) || isCode(err, study.CodeInvalid) {
		return err
	}
	return &study.Error{Code: study.CodeUnavailable, Message: "the notes cannot be read right now", Cause: err}
}

// hasOwnText reports whether the request holds its own source text.
func (r *run) hasOwnText() bool {
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
