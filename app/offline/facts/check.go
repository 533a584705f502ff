package facts

import (
	"slices"
	"strings"

	"studysharper/app/offline/english"
	"studysharper/app/text"
)

// exampleLength is the maximum number of sentences in an example; it ends with its paragraph at the latest.
const exampleLength = 6

// Sound reports whether sentence i can be asked about: it refers to nothing outside it, and is not part of an example or an instruction.
func (src *Source) Sound(i int) bool {
	s := src.Sentences[i]
	if s.sound == notJudged {
		s.sound = no
		if s.Alone() && !src.inExample(i) && s.Card == nil && src.English && english.IsSelfContained(s.Plain()) && src.isClear(src.Casing.Lower(english.Subject(s.Plain()))) {
			s.sound = yes
		}
	}
	return s.sound == yes
}

// inExample reports whether sentence i belongs to an example that an earlier sentence of its paragraph has opened.
func (src *Source) inExample(i int) bool {
	for n := range exampleLength {
		s := src.Sentences[i-n]
		if english.OpensExample(s.Text) {
			return true
		}
		if s.First || n == i {
			break
		}
	}
	return false
}

// isSound reports whether a fact makes a question: both sides have a sensible length, the answer is
// complete and the question does not give it away.
func (src *Source) isSound(f Fact) bool {
	if len(f.Question) < 8 || len(f.Question) > maxQuestion || f.Answer == "" || len(f.Answer) > maxAnswer || !english.EndsComplete(f.Answer) {
		return false
	}
	return f.Kind == Cloze || text.Overlap(f.Answer, f.Question) < 0.75
}

// few is the number of sentences up to which every statement of a text counts as important.
const few = 12

// isKey reports whether the text is about a term: it is in a heading, emphasised or mentioned
// twice.
func (src *Source) isKey(term string) bool {
	return len(src.Sentences) <= few || len(src.Index.Mentions(term)) > 1 || src.isMarked(term)
}

// isMarked reports whether a term is in a heading or emphasised.
func (src *Source) isMarked(term string) bool {
	marked, known := src.marked[term]
	if !known {
		marked = slices.ContainsFunc(src.Bold, func(b string) bool { return strings.EqualFold(b, term) }) ||
			slices.ContainsFunc(src.headings, func(h text.Bag) bool { return h.Overlap(term) == 1 })
		src.marked[term] = marked
	}
	return marked
}

// isHeading reports whether a heading is about a noun and little else.
func (src *Source) isHeading(noun string) bool {
	return src.isMarked(noun) && slices.ContainsFunc(src.Sections, func(s Section) bool {
		return text.Overlap(noun, s.Heading) == 1 && text.Overlap(s.Heading, noun) >= 0.5
	})
}

// maxHeadings bounds the different headings that terms are looked for in.
const maxHeadings = 100

// readHeadings prepares the headings for isMarked.
func (src *Source) readHeadings() {
	src.marked = make(map[string]bool)
	seen := make(map[string]bool)
	for _, s := range src.Sections {
		if s.Heading != "" && !seen[s.Heading] && len(seen) < maxHeadings {
			seen[s.Heading] = true
			src.headings = append(src.headings, text.NewBag(s.Heading))
		}
	}
}

// isClear reports whether a subject can be understood without its context: it is not "the" with
// a bare noun, unless the text is about that noun.
func (src *Source) isClear(subject string) bool {
	if english.StartsWithPronoun(subject) {
		return false
	}
	if english.IsPointing(subject) {
		return false
	}
	noun := english.BareNoun(subject)
	return noun == "" || len(src.Sentences) <= few && !english.IsVague(noun) || src.isHeading(noun) || len(src.Index.Mentions(noun))*6 >= len(src.Sentences)
}

// IsWorthDefining reports whether a definition makes a question: a key term that is clear by itself,
// with a complete meaning of more than a few words.
func (src *Source) IsWorthDefining(d Definition) bool {
	return src.isWorthDefining(d, src.Sound)
}

// isWorthDefining is IsWorthDefining with isSound in place of src.Sound.
func (src *Source) isWorthDefining(d Definition, isSound func(i int) bool) bool {
	if src.Sentences[d.At].Card != nil || !src.isSoundTerm(d) {
		return false
	}
	switch d.Form {
	case english.Phrase:
		return english.EndsComplete(d.Meaning) && !english.IsOrdinal(d.Meaning) && !english.IsThin(d.Meaning) && !english.HasLooseVerb(d.Meaning)
	case english.Clause:
		return !english.IsOrdinal(d.Meaning) && (strings.Contains(strings.ToLower(d.Source), strings.ToLower(d.Meaning)) || isSound(max(0, d.At-1)))
	default:
		return true
	}
}

// isSoundTerm reports whether the text is about the term, and the term is clear by itself.
func (src *Source) isSoundTerm(d Definition) bool {
	if !d.Introduced && !src.isKey(d.Term) || !english.IsNounPhrase(d.Term) || !src.isClear(d.Named()) {
		return false
	}
	// "the fluid" refers to a fluid that the text named before
	unsure := english.IsVague(d.Term) || len(src.Sentences) > few && (d.Label || english.BareNoun(d.Named()) != "")
	return !unsure || src.isMarked(d.Term)
}
