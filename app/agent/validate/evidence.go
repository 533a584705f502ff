package validate

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"studysharper/app/passages"
	"studysharper/app/study"
	"studysharper/app/text"
)

const (
	quotedShare = .6 // of a quote's words; fewer of them are in the material if the quote is about something else
	minQuote    = 2  // words; a shorter quote proves nothing
)

// Sources finds quotes in the texts that an aid is made from. It is safe for concurrent use.
type Sources struct{ list []*indexed }

// indexed is a document whose indexes are built at the first search.
type indexed struct {
	study.Document
	quotes   func() *text.QuoteIndex
	passages func() []passages.Passage
}

// NewSources makes Sources from a brief's documents or, if there are none, from its material.
func NewSources(b study.Brief) *Sources {
	documents := b.Documents
	if len(documents) == 0 && strings.TrimSpace(b.Material) != "" {
		documents = []study.Document{{Text: b.Material}}
	}
	s := &Sources{}
	for _, d := range documents {
		s.list = append(s.list, &indexed{d, sync.OnceValue(func() *text.QuoteIndex { return text.NewQuoteIndex(d.Text) }),
			sync.OnceValue(func() []passages.Passage { return passages.Split(d.Text) })})
	}
	return s
}

// Locate returns the source of a quote, with the words as they are in the text; nil if no text contains it. If the
// quote marks omissions, its longest part is enough.
func (s *Sources) Locate(quote string) *study.Source {
	found := s.locate(quote)
	if parts := omission().Split(quote, -1); found == nil && len(parts) > 1 {
		longest := slices.MaxFunc(parts, func(a, b string) int { return len(a) - len(b) })
		if len(lowerWords(longest)) >= minQuote {
			found = s.locate(longest)
		}
	}
	return found
}

var omission = text.Pattern(`\[?(?:…|\.\.\.)\]?`)

func (s *Sources) locate(quote string) *study.Source {
	for _, d := range s.list {
		if at, ok := d.quotes().Find(quote); ok {
			section, page := d.place(at.Start)
			return &study.Source{NoteID: d.NoteID, Title: d.Title, Section: section, Page: page,
				Quote: d.Text[at.From:at.To], Start: d.Start + at.Start, End: d.Start + at.End}
		}
	}
	return nil
}

// place returns the section and the page of a code point of the document's text.
func (d *indexed) place(at int) (section string, page int) {
	for _, p := range slices.Backward(d.passages()) {
		if p.Start <= at {
			section, page = p.Place(at - p.Start)
			break
		}
	}
	return cmp.Or(section, d.Section), cmp.Or(page, d.Page)
}

// Cite completes the sources of the items that quote one of the texts, and marks the others as unverified. It returns
// whether any item is verified, and the quotes that are in no text, by the paths of their items.
func (s *Sources) Cite(a study.Aid) (verified bool, wrong map[string]string) {
	wrong = make(map[string]string)
	for _, it := range items(a) {
		if it.origin == nil {
			continue
		}
		quoted := it.origin.Source
		it.origin.Source, it.origin.Unverified = nil, true
		if quoted == nil {
			continue
		}
		if found := s.Locate(quoted.Quote); found != nil {
			it.origin.Source, it.origin.Unverified, verified = found, false, true
		} else if len(lowerWords(quoted.Quote)) >= minQuote {
			wrong[it.path] = quoted.Quote
		}
	}
	return verified, wrong
}

// foreign reports whether all quotes are about something else than the material. Models shorten quotes and correct
// their spelling, but such quotes share most words with the material.
func foreign(quotes map[string]string, material string) bool {
	bag := text.NewBag(material)
	for _, quote := range quotes {
		if bag.Overlap(quote) >= quotedShare {
			return false
		}
	}
	return true
}
