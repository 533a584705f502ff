package agent

import (
	"slices"
	"strings"
	"unicode/utf8"

	"studysharper/app/passages"
	"studysharper/app/study"
	"studysharper/app/text"
)

const (
	maxCitations = 10
	minCited     = 3 // words of a quote
)

// citeReply adds the sources to a reply. If the material was shortened, only the passages left in it count.
func (t task) citeReply(reply *study.Reply) {
	sent := slices.DeleteFunc(slices.Clone(t.passages), func(p study.Passage) bool { return !strings.Contains(t.brief.Material, p.Text) })
	reply.ContextUsed = t.used
	if len(sent) < len(t.passages) {
		var m material
		m.write(sent)
		reply.ContextUsed = m.contextUsed(t.used.Messages)
	}
	reply.Citations = cite(reply.Response, sent, t.options.Deterministic)
}

// cite finds the reply's quotes in the passages that it was made from. Quotes that are in none of them are not cited.
// The answers of an extractive engine consist of whole sentences quoted from the text.
func cite(response string, sent []study.Passage, extractive bool) []study.Source {
	found := []study.Source{}
	index := make([]*text.QuoteIndex, len(sent))
	for _, quote := range quotesIn(response, extractive) {
		if len(found) == maxCitations {
			break
		}
		for i, p := range sent {
			if index[i] == nil {
				index[i] = text.NewQuoteIndex(p.Text)
			}
			at, ok := index[i].Find(quote)
			if !ok {
				continue
			}
			section, page := passages.Passage{Section: p.Section, Page: p.Page, Text: p.Text}.Place(at.Start)
			s := study.Source{NoteID: p.NoteID, Title: p.Title, Section: section, Page: page, Quote: p.Text[at.From:at.To], Start: p.Start + at.Start, End: p.Start + at.End}
			if !slices.Contains(found, s) {
				found = append(found, s)
			}
			break
		}
	}
	return found
}

// quotesIn returns the texts between quotation marks and, if sentences is true, the sentences too.
func quotesIn(response string, sentences bool) (list []string) {
	add := func(s string) {
		if words := strings.Fields(s); len(words) >= minCited || len(words) > 0 && text.IsUnspaced(s) && utf8.RuneCountInString(s) >= 2*minCited {
			list = append(list, s)
		}
	}
	if sentences {
		for _, s := range text.Sentences(response) {
			add(s)
			if _, rest, ok := strings.Cut(s, ": "); ok {
				add(rest)
			}
		}
	}
	parts := strings.FieldsFunc(" "+response, func(r rune) bool { return strings.ContainsRune("\"“”„«»「」", r) })
	for i := 1; i < len(parts); i += 2 {
		add(strings.TrimSpace(parts[i]))
	}
	return list
}
