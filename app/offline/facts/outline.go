package facts

import (
	"slices"
	"strings"

	"studysharper/app/offline/english"
	"studysharper/app/text"
)

// An Outline is a text split into sentences under headings, before their analysis. It
// shares its sentences with the outlines that are parts of it.
type Outline struct {
	sections  []Section
	sentences []Sentence
}

// NewOutline splits material into sentences and drops credits.
func NewOutline(material string) Outline {
	var o Outline
	for _, sec := range text.Sections(material) {
		s := Section{Heading: sec.Heading, From: len(o.sentences)}
		for _, p := range sec.Paragraphs {
			if english.IsCredit(p) {
				continue
			}
			for i, t := range text.SentencesOf(p) {
				t = text.Clip(t, maxBytes)
				o.sentences = append(o.sentences, Sentence{Text: t, Section: len(o.sections), First: i == 0})
				s.Words += len(strings.Fields(t))
			}
		}
		s.To = len(o.sentences)
		o.sections = append(o.sections, s)
	}
	return o
}

// Len returns the number of sentences.
func (o Outline) Len() int { return len(o.sentences) }

// Part returns the outline of sentences from to to, under all the headings.
func (o Outline) Part(from, to int) Outline {
	p := Outline{sections: slices.Clone(o.sections), sentences: o.sentences[from:to:to]}
	locate(p.sections, p.sentences)
	return p
}

// omitted replaces a sentence, so that the one after it is not taken to refer to the one
// before it.
const omitted = "…"

// Omit replaces all sentences of the outline by an omission mark.
func (o Outline) Omit() {
	for i := range o.sentences {
		o.sentences[i].Text = omitted
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
