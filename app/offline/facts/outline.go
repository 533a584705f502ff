package facts

import (
	"slices"
	"strings"

	"studysharper/app/offline/clean"
	"studysharper/app/offline/english"
	"studysharper/app/offline/language"
	"studysharper/app/offline/lists"
	"studysharper/app/text"
)

// An Outline is a text split into sentences under headings, before their analysis. It
// shares its sentences with the outlines that are parts of it.
type Outline struct {
	sections  []Section
	sentences []Sentence
	text      clean.Text
	language  *language.Language
}

// NewOutline cleans material, splits it into sentences and the entries of lists, and drops
// credits.
func NewOutline(material string) Outline {
	var o Outline
	var cards []lists.Card
	rest := material
	text.Guard(func() {
		o.text = clean.Clean(material)
		cards, rest = lists.Extract(o.text.Lines)
	})
	o.language = language.Detect(rest)
	for _, sec := range text.Sections(rest) {
		if apparatus[strings.ToLower(strings.Trim(sec.Heading, " :.#"))] {
			o.text.Dropped = append(o.text.Dropped, "the section “"+sec.Heading+"”")
			continue
		}
		s := Section{Heading: sec.Heading, From: len(o.sentences)}
		for _, p := range sec.Paragraphs {
			o.addParagraph(p, cards)
		}
		s.To = len(o.sentences)
		for _, t := range o.sentences[s.From:s.To] {
			for range strings.FieldsSeq(t.Text) {
				s.Words++
			}
		}
		o.sections = append(o.sections, s)
	}
	return o
}

// apparatus are the headings of sections that are not learning material.
var apparatus = map[string]bool{
	"references": true, "bibliography": true, "works cited": true, "further reading": true, "further research": true, "external links": true, "see also": true, "sources": true, "footnotes": true,
	"source(s) and further reading": true, "section quiz": true, "short answer": true, "review questions": true, "exercises": true, "acknowledgements": true, "acknowledgments": true,
	"literatur": true, "literaturverzeichnis": true, "quellen": true, "références": true, "bibliographie": true, "referencias": true, "bibliografía": true,
}

// addParagraph adds the sentences of a paragraph, or the entry of a list.
func (o *Outline) addParagraph(p string, cards []lists.Card) {
	if n, ok := lists.Index(p); ok && n < len(cards) {
		o.sentences = append(o.sentences, Sentence{Text: text.Clip(cards[n].Text, maxBytes), Section: len(o.sections), First: true, Card: &cards[n]})
		return
	}
	if english.IsCredit(p) {
		return
	}
	for i, t := range text.SentencesOf(p) {
		o.sentences = append(o.sentences, Sentence{Text: text.Clip(t, maxBytes), Section: len(o.sections), First: i == 0})
	}
}

// Text returns the cleaned text and what was dropped from it.
func (o Outline) Text() clean.Text { return o.text }

// Language returns the language of the text.
func (o Outline) Language() *language.Language { return o.language }

// Len returns the number of sentences.
func (o Outline) Len() int { return len(o.sentences) }

// Part returns the outline of sentences[from:to], with all headings.
func (o Outline) Part(from, to int) Outline {
	p := Outline{sections: slices.Clone(o.sections), sentences: o.sentences[from:to:to], text: o.text, language: o.language}
	locate(p.sections, p.sentences)
	return p
}

// omitted replaces a sentence, so that the one after it is not taken to refer to the one
// before it.
const omitted = "…"

// Omit replaces all sentences of the outline by an omission mark.
func (o Outline) Omit() {
	for i := range o.sentences {
		o.sentences[i].Text, o.sentences[i].Card = omitted, nil
	}
}

// locate sets the range of sentences, which are in order, that each section has.
func locate(sections []Section, sentences []Sentence) {
	for i := range sections {
		s := &sections[i]
		s.From, _ = slices.BinarySearchFunc(sentences, i, func(k Sentence, i int) int { return k.Section - i })
		s.To, _ = slices.BinarySearchFunc(sentences, i+1, func(k Sentence, i int) int { return k.Section - i })
	}
}
