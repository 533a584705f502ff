package validate

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"studysharper/app/study"
	"studysharper/app/text"
)

const (
	quotedShare = .6 // of a quote's words; the material has fewer of a quote about something else
	minQuote    = 2  // words; a shorter quote refutes nothing
)

// Sources finds quotes in the texts that an aid is made from. It is safe for concurrent use.
type Sources struct {
	list  []study.Document
	index []func() *text.QuoteIndex // made when the first quote is looked for
}

// NewSources makes Sources of a brief's documents, or else of its material.
func NewSources(b study.Brief) *Sources {
	s := &Sources{list: b.Documents}
	if len(s.list) == 0 && strings.TrimSpace(b.Material) != "" {
		s.list = []study.Document{{Text: b.Material}}
	}
	for _, d := range s.list {
		s.index = append(s.index, sync.OnceValue(func() *text.QuoteIndex { return text.NewQuoteIndex(d.Text) }))
	}
	return s
}

// Locate returns the source of a quote, its words as they stand there; nil if no text has it. Of
// a quote that leaves words out, the longest part counts.
func (s *Sources) Locate(quote string) *study.Source {
	found := s.locate(quote)
	if parts := omission.Split(quote, -1); found == nil && len(parts) > 1 {
		longest := slices.MaxFunc(parts, func(a, b string) int { return len(a) - len(b) })
		if len(lowerWords(longest)) >= minQuote {
			found = s.locate(longest)
		}
	}
	return found
}

var omission = regexp.MustCompile(`\[?(?:…|\.\.\.)\]?`)

func (s *Sources) locate(quote string) *study.Source {
	for i, d := range s.list {
		if at, ok := s.index[i]().Find(quote); ok {
			return &study.Source{NoteID: d.NoteID, Title: d.Title, Section: sectionAt(d.Text, at.From), Page: pageAt(d.Text, at.From),
				Quote: d.Text[at.From:at.To], Start: at.Start, End: at.End}
		}
	}
	return nil
}

// Cite completes the sources of the items that quote one of the texts, and marks the others as
// unverified. It returns whether any is verified, and the quotes that no text has, by the paths
// of their items.
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

// foreign reports whether the quotes are about something else than the material. Models shorten
// quotes and correct their spelling; such quotes share most words with it.
func foreign(quotes map[string]string, material string) bool {
	bag := text.NewBag(material)
	for _, quote := range quotes {
		if bag.Overlap(quote) >= quotedShare {
			return false
		}
	}
	return true
}

// sectionAt is the heading above a place; "" if there is none.
func sectionAt(s string, at int) string {
	for end := at; end > 0; {
		begin := strings.LastIndex(s[:end], "\n#")
		if begin < 0 && !strings.HasPrefix(s, "#") {
			return ""
		}
		line, _, _ := strings.Cut(s[begin+1:], "\n")
		if heading := strings.TrimLeft(line, "#"); strings.HasPrefix(heading, " ") && begin+1+len(line) <= at {
			return strings.Trim(heading, " #\r")
		}
		end = begin
	}
	return ""
}

var pageMark = regexp.MustCompile(`^<!-- (?:page|slide) (\d{1,6}) -->`)

// pageAt is the page that a place is on, as imported texts mark it; 0 if they do not.
func pageAt(s string, at int) int {
	begin := strings.LastIndex(s[:at], "<!-- page ")
	begin = max(begin, strings.LastIndex(s[:at], "<!-- slide "))
	if begin < 0 {
		return 0
	}
	page := 0
	if m := pageMark.FindStringSubmatch(s[begin:]); m != nil {
		page, _ = strconv.Atoi(m[1])
	}
	return page
}
