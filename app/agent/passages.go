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
	searchedPassages = 24     // of notes, for one answer: about 24,000 characters
	extractiveRunes  = 10_000 // of notes for the built-in engine, which searches them itself and reads all of them each time
	keptShare        = 3      // at most 1/3 of the material is for the passages of earlier questions
	askedBefore      = 3      // earlier questions that a follow-up may refer to
)

// chatNotes returns the passages for a chat, from the notes that the request names or from all notes.
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
			return []string{words}, nil // the student has notes, but none contains any of the words
		}}
}

// noNotes is cached for a user without notes, so that their questions need no search.
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

// passagesBefore returns the passages for the earlier questions, from the notes named then. If they cannot be read,
// they are left out, because the question has its own.
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

// passageFields is the number of texts that encode one passage.
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

// ownPassages returns passages of the text that the student has given, the best ones first. A text that fits is
// returned whole.
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

// selection holds the passages that one answer is drawn from.
type selection struct {
	list []study.Passage
	left int  // code points that still fit
	cut  bool // the first passage was cut
}

// add appends the passages that fit, in their order, and leaves reserve code points free. The first passage is cut if
// it does not fit.
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

// around returns the most that write adds to a passage: its headings, and the separator from other passages.
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

// sectionHeading returns the heading of a passage's section, or "" if the passage begins with the heading itself.
func sectionHeading(p study.Passage) string {
	if line, _, _ := strings.Cut(p.Text, "\n"); p.Section == "" || strings.Contains(line, p.Section) {
		return ""
	}
	return "## " + p.Section + paragraphBoundary
}

// composeChat selects passages for a question: from the student's own text, from the notes that match the question, and
// from notes that matched earlier questions.
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

// write joins passages to one text, grouped by note and in the order of each note.
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
