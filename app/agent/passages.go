package agent

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"studysharper/app/passages"
	"studysharper/app/study"
)

const (
	searchedPassages = 24     // of notes, for one answer: some 24,000 characters
	extractiveRunes  = 10_000 // of the notes that an engine searches for itself: it reads all of it each time
	keptShare        = 3      // of the material, 1/3 at most, for the passages of the question before
	askedBefore      = 3      // questions that a follow-up may refer to
)

// chatNotes are the passages for a chat: of the notes that the request names, or of all notes.
func (c *contextReader) chatNotes(ctx context.Context, ids []string, words string) cachedPart {
	user := c.req.UserID
	query := append([]string{"passages", words}, ids...)
	return cachedPart{needed: len(ids) > 0 || words != "" && !c.hasNoNotes(ctx), resource: ResourceNotes, query: query,
		read: func(ctx context.Context) ([]string, error) {
			number, known := c.version(ResourceNotes)
			list, err := c.deps.Store.SearchPassages(ctx, user, ids, words, searchedPassages)
			if err != nil || len(list) > 0 || len(ids) > 0 {
				return encodePassages(list), err
			}
			notes, err := c.deps.Store.SearchNotes(ctx, user, "", 1)
			if err != nil {
				return nil, err
			}
			if len(notes) == 0 {
				if known && c.deps.Parts != nil {
					c.deps.Parts.Set(ctx, c.partKey(noNotes), encodeTexts(number, nil))
				}
				return nil, nil
			}
			return []string{words}, nil // the student has notes, and none of them has any of the words
		}}
}

// noNotes is cached for a user without notes, whose questions then cost no search.
var noNotes = cachedPart{resource: ResourceNotes, query: []string{"none"}}

// hasNoNotes reports whether the user is known to have no notes.
func (c *contextReader) hasNoNotes(ctx context.Context) bool {
	number, known := c.version(ResourceNotes)
	if !known || c.deps.Parts == nil || c.req.NoCache {
		return false
	}
	value, _, _ := c.deps.Parts.Get(ctx, c.partKey(noNotes))
	_, valid := decodeTexts(value, number)
	return valid
}

// passagesBefore are the passages for the questions before, in the notes that were named then. What cannot be
// read is left out: the question has its own.
func (c *contextReader) passagesBefore(ctx context.Context, past history) ([]study.Passage, error) {
	if len(past.asked) == 0 {
		return nil, nil
	}
	ids := past.noteIDs
	if len(c.req.NoteIDs) > 0 {
		ids = c.req.NoteIDs
	}
	words := searchWords(study.Request{Message: strings.Join(past.asked, "\n")})
	texts, err := c.readCached(ctx, c.chatNotes(ctx, ids, words)).wait()
	if err != nil && ctx.Err() != nil {
		return nil, err
	}
	return decodePassages(texts), nil
}

// passageFields is how many texts a passage is encoded as.
const passageFields = 8

func encodePassages(list []study.Passage) []string {
	texts := make([]string, 0, passageFields*len(list))
	for _, p := range list {
		texts = append(texts, p.NoteID, p.Title, p.Section, strconv.Itoa(p.Page), strconv.Itoa(p.Start), strconv.Itoa(p.End), strconv.Itoa(p.Of), p.Text)
	}
	return texts
}

func decodePassages(texts []string) []study.Passage {
	list := make([]study.Passage, 0, len(texts)/passageFields)
	for ; len(texts) >= passageFields; texts = texts[passageFields:] {
		p := study.Passage{NoteID: texts[0], Title: texts[1], Section: texts[2], Text: texts[7]}
		for i, n := range []*int{&p.Page, &p.Start, &p.End, &p.Of} {
			*n, _ = strconv.Atoi(texts[3+i]) // written by encodePassages
		}
		list = append(list, p)
	}
	return list
}

// ownPassages are the passages of the text that the student has given, the best ones first. A text
// that has room is given whole.
func ownPassages(content, question string, room int) []study.Passage {
	if strings.TrimSpace(content) == "" {
		return nil
	}
	of := utf8.RuneCountInString(content)
	if of <= room {
		return []study.Passage{{End: of, Of: of, Text: content}}
	}
	x := passages.NewIndex(content)
	order := x.Search(passages.ParseQuery(question).Content())
	for i := range x.Passages {
		if !slices.Contains(order, i) {
			order = append(order, i)
		}
	}
	list := make([]study.Passage, 0, len(order))
	for _, i := range order {
		p := x.Passages[i]
		list = append(list, study.Passage{Section: p.Section, Page: p.Page, Start: p.Start, End: p.End, Of: of, Text: p.Text})
	}
	return list
}

// A selection is the passages that one answer is drawn from.
type selection struct {
	list []study.Passage
	left int  // code points
	cut  bool // the first of them
}

// add takes passages, in their order, as long as there is room, and keeps reserve free. Of the first one
// there is always the beginning.
func (s *selection) add(list []study.Passage, reserve int) {
	for _, p := range list {
		if slices.ContainsFunc(s.list, func(have study.Passage) bool { return have.NoteID == p.NoteID && have.Start == p.Start }) {
			continue
		}
		room := s.left - reserve - s.around(p)
		if size := p.End - p.Start; size > room {
			if len(s.list) > 0 || room <= 0 {
				continue
			}
			p.Text, s.cut = cutAtSentence(p.Text, room)
			p.End = p.Start + utf8.RuneCountInString(p.Text)
		}
		s.left -= s.around(p) + p.End - p.Start
		s.list = append(s.list, p)
	}
}

// around is the most that write adds for a passage: its headings, and what parts it from others.
func (s *selection) around(p study.Passage) (n int) {
	if len(s.list) > 0 {
		n += len(paragraphBoundary)
	}
	if p.NoteID != "" && !slices.ContainsFunc(s.list, func(have study.Passage) bool { return have.NoteID == p.NoteID }) {
		n += utf8.RuneCountInString(noteHeading(p))
	}
	return n + utf8.RuneCountInString(sectionHeading(p))
}

func noteHeading(p study.Passage) string { return "# " + p.Title + paragraphBoundary }

// sectionHeading is empty for a passage that begins with the heading itself.
func sectionHeading(p study.Passage) string {
	if line, _, _ := strings.Cut(p.Text, "\n"); p.Section == "" || strings.Contains(line, p.Section) {
		return ""
	}
	return "## " + p.Section + paragraphBoundary
}

// composeChat selects passages for a question: of the student's own text, of the notes that match
// it, and of those that matched the questions before.
func (c *contextReader) composeChat(past history, found, before []study.Passage) material {
	m := material{}
	m.readMessage(c.req.Message, c.options.MaterialRunes)
	content := c.req.Options.Content
	if strings.TrimSpace(content) == "" {
		content = past.content
	}
	s := selection{left: c.options.MaterialRunes}
	if c.options.Deterministic && len(c.req.NoteIDs) == 0 && strings.TrimSpace(content) == "" {
		s.left = min(s.left, extractiveRunes)
	}
	notes := 0
	if len(found)+len(before) > 0 {
		notes = s.left / 2
	}
	reserve := 0
	if len(before) > 0 {
		reserve = s.left / keptShare
	}
	s.add(ownPassages(content, c.req.Message+"\n"+strings.Join(past.asked, "\n"), s.left-notes), notes)
	s.add(found, reserve)
	s.add(before, 0)
	s.add(found, 0)
	if s.cut {
		m.warnings = append(m.warnings, "the source text was too long and only its beginning was used")
	}
	m.write(s.list)
	return m
}

// write joins passages to a text: those of a note together, in the order of the note.
func (m *material) write(list []study.Passage) {
	first := map[string]int{}
	for i, p := range list {
		if _, ok := first[p.NoteID]; !ok {
			first[p.NoteID] = i
		}
	}
	slices.SortStableFunc(list, func(a, b study.Passage) int {
		return cmp.Or(cmp.Compare(first[a.NoteID], first[b.NoteID]), cmp.Compare(a.Start, b.Start))
	})
	var b strings.Builder
	sent, of := 0, 0
	for i, p := range list {
		begins := i == 0 || list[i-1].NoteID != p.NoteID
		if i > 0 {
			b.WriteString(paragraphBoundary)
		}
		if begins && p.NoteID != "" {
			b.WriteString(noteHeading(p))
			m.notes = append(m.notes, study.NoteUsed{ID: p.NoteID, Title: p.Title})
		}
		if begins || list[i-1].Section != p.Section {
			b.WriteString(sectionHeading(p))
		}
		b.WriteString(p.Text)
		if begins {
			of += p.Of
		}
		sent += p.End - p.Start
		if p.NoteID == "" {
			m.content = true
		} else {
			m.notes[len(m.notes)-1].Passages++
		}
	}
	m.text, m.passages = b.String(), list
	if len(list) == 0 {
		return
	}
	m.share = min(1, float64(sent)/float64(max(of, 1)))
}
