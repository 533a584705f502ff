package agent

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"studysharper/app/passages"
	"studysharper/app/study"
)

// omission marks places where text was left out.
const omission = "[…]"

// plan says how the texts of an answer are read: as a whole, or in parts of about the same size.
type plan struct {
	parts []study.Brief
	used  study.ContextUsed // the notes, and the share of the text, that the parts contain
	pages int               // of all texts; 0 = not known
}

// newPlan divides the documents of an aid's brief into at most maxParts parts of at most room bytes. If they cannot
// hold all of the text, passages are left out evenly, but at least one passage of each document stays. The requested
// items are distributed in proportion to the parts' sizes.
func newPlan(b study.Brief, used study.ContextUsed, room, maxParts int) plan {
	p := plan{used: used}
	p.used.Notes = []study.NoteUsed{}
	size := 0
	for _, d := range b.Documents {
		size += len(headingOf(d)) + len(d.Text) + len(paragraphBoundary)
	}
	if size <= room {
		b.Material = joinDocuments(b.Documents)
		p.parts = []study.Brief{b}
		for _, d := range b.Documents {
			p.count(d, len(d.Text)/passages.MaxRunes+1)
		}
		return p
	}
	list := splitDocuments(b.Documents)
	slack := min(4*passages.MaxRunes, room/5) // a part ends with the passage that fills it
	p.pages = countPages(list)
	list, p.used.Share = sample(list, maxParts*(room-slack))
	total := 0
	for _, piece := range list {
		total += piece.size()
		p.count(piece.Document, 1)
	}
	n := min(max((total+room-slack-1)/(room-slack), 1), maxParts)
	p.parts = divide(b, list, total, n)
	return p
}

// count adds n passages of a document to the notes used.
func (p *plan) count(d study.Document, n int) {
	if d.NoteID == "" {
		return
	}
	for i := range p.used.Notes {
		if p.used.Notes[i].ID == d.NoteID {
			p.used.Notes[i].Passages += n
			return
		}
	}
	p.used.Notes = append(p.used.Notes, study.NoteUsed{ID: d.NoteID, Title: d.Title, Passages: n})
}

// warning tells a student how much of the texts was read; it is "" if all of it was.
func (p plan) warning(share float64) string {
	percent := int(math.Round(100 * share))
	switch {
	case share >= 1 || share <= 0: // all, or there is no text
		return ""
	case p.pages > 0:
		return fmt.Sprintf("read %d %% of %s, evenly spread: the text is too long for one request", percent, pluralize(p.pages, "page"))
	default:
		return fmt.Sprintf("read %d %% of the text, evenly spread: it is too long for one request", percent)
	}
}

// piece is a passage of a document. Consecutive pieces share the document's memory.
type piece struct {
	study.Document
	document int // index of the document
	from, to int // bytes of the document's text
	whole    string
}

func (p piece) size() int { return p.to - p.from + len(paragraphBoundary) }

// splitDocuments splits documents into passages.
func splitDocuments(documents []study.Document) (list []piece) {
	for i, d := range documents {
		at := 0
		for _, passage := range passages.Split(d.Text) {
			from := at + max(strings.Index(d.Text[at:], passage.Text), 0)
			at = from + len(passage.Text)
			cut := d
			cut.Start, cut.Section, cut.Page = d.Start+passage.Start, cmp.Or(passage.Section, d.Section), cmp.Or(passage.Page, d.Page)
			list = append(list, piece{cut, i, from, at, d.Text})
		}
	}
	return list
}

// countPages returns the total number of pages, as far as the texts contain page numbers.
func countPages(list []piece) (pages int) {
	last := make(map[int]int)
	for _, p := range list {
		last[p.document] = max(last[p.document], p.Page)
	}
	for _, n := range last {
		pages += n
	}
	return pages
}

// sample selects passages of about limit bytes in total, evenly spread, including the first passage of each document.
// share is the selected share of the text.
func sample(list []piece, limit int) (kept []piece, share float64) {
	total := 0
	for _, p := range list {
		total += p.size()
	}
	if total <= limit {
		return list, 1
	}
	due, size := 0.0, 0
	for i, p := range list {
		due += float64(limit) * float64(p.size()) / float64(total)
		first := i == 0 || list[i-1].document != p.document
		if first || due >= float64(p.size()) {
			due -= float64(p.size())
			size += p.size()
			kept = append(kept, p)
		}
	}
	return kept, float64(size) / float64(total)
}

// divide makes n briefs of about the same size, in the order of the text.
func divide(b study.Brief, list []piece, total, n int) []study.Brief {
	asked := study.Asked(b.Type, b.Options)
	parts := make([]study.Brief, 0, n)
	read, given := 0, 0
	for len(list) > 0 {
		end, target := 0, (len(parts)+1)*total/n
		for end < len(list) && (read < target || len(parts) == n-1) {
			read += list[end].size()
			end++
		}
		end = max(end, 1)
		part := b
		part.Documents = joinPieces(list[:end])
		part.Material = joinDocuments(part.Documents)
		if part.Message == b.Documents[0].Text {
			part.Message = "" // it is the text
		}
		if asked > 0 {
			quota := max((2*asked*read+total)/(2*total)-given, 1) // rounded
			given += quota
			part.Options = withCount(b.Options, quota)
		}
		parts, list = append(parts, part), list[end:]
	}
	return parts
}

// withCount sets the number of items, in one section.
func withCount(o study.Options, n int) study.Options {
	o.Sections = min(o.Sections, 1)
	if o.QuestionCount > 0 {
		o.QuestionCount = n
	}
	if o.Count > 0 {
		o.Count = n
	}
	return o
}

// joinPieces joins consecutive passages into documents.
func joinPieces(list []piece) (documents []study.Document) {
	for i := 0; i < len(list); {
		end := i + 1
		for end < len(list) && list[end].document == list[i].document && isGap(list[i].whole[list[end-1].to:list[end].from]) {
			end++
		}
		d := list[i].Document
		d.Text = list[i].whole[list[i].from:list[end-1].to]
		documents = append(documents, d)
		i = end
	}
	return documents
}

// isGap reports whether the text between two passages is only white space or a page marker.
func isGap(between string) bool {
	between = strings.TrimSpace(between)
	return between == "" || strings.HasPrefix(between, "<!--") && strings.HasSuffix(between, "-->")
}

// joinDocuments returns the documents as the prompt's material, each note under its title.
func joinDocuments(documents []study.Document) string {
	if len(documents) == 1 && documents[0].NoteID == "" {
		return documents[0].Text
	}
	var b strings.Builder
	for i, d := range documents {
		switch {
		case i > 0 && d.NoteID == documents[i-1].NoteID && d.Start > 0:
			b.WriteString(paragraphBoundary + omission + paragraphBoundary)
		case i > 0:
			b.WriteString(paragraphBoundary + headingOf(d))
		default:
			b.WriteString(headingOf(d))
		}
		b.WriteString(d.Text)
	}
	return b.String()
}
