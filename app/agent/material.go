package agent

import (
	"context"
	"strings"
	"sync"
	"unicode/utf8"

	"studysharper/app/study"
	"studysharper/app/text"
)

const (
	searchedNotes     = 5
	relevantShare     = .34 // of the search words; a note must contain at least this share
	longMessageRunes  = 200 // from this length, a message that asks for an aid is its source text
	relevanceRunes    = 8_000
	minMaterialRunes  = 500 // material is not shortened below this for a model
	boundaryShare     = 10  // a cut text may lose 1/10 to end at a sentence
	paragraphBoundary = "\n\n"
)

// notesPart returns the notes that the answer is drawn from: the notes that the request names or, if it contains no
// text of its own, the notes that match it.
func (c *contextReader) notesPart(ctx context.Context) cachedPart {
	ids, user := c.req.NoteIDs, c.req.UserID
	if c.req.Type == study.Chat && (len(ids) > 0 || strings.TrimSpace(c.req.Options.Content) == "") {
		return c.chatNotes(ctx, ids, searchWords(c.req))
	}
	if len(ids) > 0 {
		return cachedPart{needed: true, resource: ResourceNotes, query: append([]string{"named"}, ids...),
			read: func(ctx context.Context) ([]string, error) {
				list, err := c.deps.Store.NotesByID(ctx, user, ids)
				return c.noteTexts(list), err
			}}
	}
	if strings.TrimSpace(c.req.Options.Content) != "" || messageIsSource(c.req) {
		return cachedPart{}
	}
	words := searchWords(c.req)
	return cachedPart{needed: true, resource: ResourceNotes, query: []string{"matching", words},
		read: func(ctx context.Context) ([]string, error) {
			list, err := c.deps.Store.SearchNotes(ctx, user, words, searchedNotes)
			return c.noteTexts(relevant(list[:min(len(list), searchedNotes)], words)), err
		}}
}

// noteTexts returns the id, the title and the content of each note.
func (c *contextReader) noteTexts(list []study.Note) []string {
	texts := make([]string, 0, 3*len(list))
	for _, n := range list {
		texts = append(texts, n.ID, n.Title, n.Content)
	}
	return texts
}

// namedNotesError converts the error of reading notes named by id.
func namedNotesError(err error) error {
	if study.IsCode(err, study.CodeNotFound) || study.IsCode(err, study.CodeInvalid) {
		return err
	}
	return &study.Error{Code: study.CodeUnavailable, Message: "the notes cannot be read right now", Cause: err}
}

// messageIsSource reports whether the message is long enough to be source text.
func messageIsSource(req study.Request) bool {
	return req.Type != study.Chat && utf8.RuneCountInString(req.Message) >= longMessageRunes
}

// orderWords are words that say what to make, but not about which subject.
var orderWords = sync.OnceValue(func() map[string]bool {
	return stemSet(`make create generate write give show quiz test exam flashcard flash card summary summarise
	summarize plan schedule note notes analyse analyze analysis review question questions please help me need want study
	practice explain tell know understand describe what how why`)
})

func stemSet(words string) map[string]bool {
	set := make(map[string]bool)
	for w := range strings.FieldsSeq(words) {
		set[text.Stem(w)] = true
	}
	return set
}

// searchWords returns the words to search notes for: the topic, or what the message is about.
func searchWords(req study.Request) string {
	if topic := strings.TrimSpace(req.Options.Topic); topic != "" {
		return topic
	}
	var about []string
	orderWords := orderWords()
	for _, w := range text.Words(text.ClipRunes(req.Message, 1000)) {
		if !orderWords[text.Stem(w)] && strings.Trim(w, "0123456789") != "" {
			about = append(about, w)
		}
	}
	return strings.Join(about, " ")
}

// relevant returns the notes that contain enough of the words; the search itself matches any of them.
func relevant(list []study.Note, words string) []study.Note {
	kept := make([]study.Note, 0, len(list))
	for _, n := range list {
		if words == "" || text.Overlap(words, n.Title+"\n"+text.ClipRunes(n.Content, relevanceRunes)) >= relevantShare {
			kept = append(kept, n)
		}
	}
	return kept
}

// material is the source text of an answer, and the student's message.
type material struct {
	text      string
	documents []study.Document // in the text
	message   string
	notes     []study.NoteUsed // in the text
	content   bool             // the student's own text is in the text
	share     float64          // share of the sources that is in the text
	passages  []study.Passage  // of a chat's text
	searched  string           // words that the student's notes were searched for, if none contains any of them
	warnings  []string
}

// material selects the source text: passages for a chat, whole texts for an aid.
func (c *contextReader) material(ctx context.Context, texts []string, past history) (material, error) {
	if c.req.Type != study.Chat {
		return c.compose(texts), nil
	}
	found := decodePassages(texts)
	before, err := c.passagesBefore(ctx, past)
	if err != nil {
		return material{}, err
	}
	m := c.composeChat(past, found, before)
	if m.text == "" && len(texts) == 1 {
		m.searched = texts[0]
	}
	return m, nil
}

func (m material) contextUsed(messages int) study.ContextUsed {
	return study.ContextUsed{Notes: append([]study.NoteUsed{}, m.notes...), Messages: messages, Content: m.content, Share: m.share}
}

// readMessage stores the beginning of the student's message, at most n runes, and warns if the message was cut.
func (m *material) readMessage(message string, n int) {
	var cut bool
	if m.message, cut = cutAtSentence(message, n); cut {
		m.warnings = append(m.warnings, "the message was too long and only its beginning was read")
	}
}

// compose lists the student's own text and the notes, in this order. An aid is made from all of them; see newPlan.
func (c *contextReader) compose(notes []string) material {
	own := c.req.Options.Content
	m := material{notes: []study.NoteUsed{}, content: strings.TrimSpace(own) != ""}
	isMessage := !m.content && len(notes) == 0 && messageIsSource(c.req)
	if isMessage {
		own = c.req.Message
	}
	if strings.TrimSpace(own) != "" {
		m.documents = append(m.documents, study.Document{Text: own})
	}
	for ; len(notes) > 2; notes = notes[3:] {
		m.documents = append(m.documents, study.Document{NoteID: notes[0], Title: notes[1], Text: notes[2]})
		m.notes = append(m.notes, study.NoteUsed{ID: notes[0], Title: notes[1]})
	}
	if len(m.documents) > 0 {
		m.share = 1
	}
	if m.message = own; !isMessage {
		m.readMessage(c.req.Message, c.options.MaterialRunes)
	}
	return m
}

// headingOf returns the heading that precedes a note in the material.
func headingOf(d study.Document) string {
	if d.NoteID == "" {
		return ""
	}
	return "# " + d.Title + paragraphBoundary
}

// cutAtSentence shortens s to at most n runes, at the end of a sentence if one is near.
func cutAtSentence(s string, n int) (part string, cut bool) {
	part = text.ClipRunes(s, n)
	if len(part) == len(s) {
		return s, false
	}
	if i := strings.LastIndexAny(part, ".!?\n"); i > len(part)-len(part)/boundaryShare {
		part = part[:i+1]
	}
	return part, true
}
