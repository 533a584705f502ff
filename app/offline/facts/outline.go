package facts

import (
	"slices"
	"strings"

	"studysharper/app/offline/english"
	"studysharper/app/text"
)

// An Outline is a text cut into sentences under headings, before anything is read off
// them. The sentences are shared with the outlines that are parts of it.
type Outline struct {
	sections  []Section
	sentences []Sentence
}

// NewOutline cuts material, leaving credits out.
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

// Len is how many sentences the outline has.
func (o Outline) Len() int { return len(o.sentences) }

// Part is the outline of sentences from to to, under all the headings.
func (o Outline) Part(from, to int) Outline {
	p := Outline{sections: slices.Clone(o.sections), sentences: o.sentences[from:to:to]}
	locate(p.sections, p.sentences)
	return p
}

// omitted stands in place of a sentence, so that what follows it is not taken to refer
// to what stands before it.
const omitted = "…"

// Omit leaves all of the outline's sentences out.
func (o Outline) Omit() {
	for i := range o.sentences {
		o.sentences[i].Text = omitted
	}
}

// locate sets which of the sentences, given in order, each section has.
func locate(sections []Section, sentences []Sentence) {
	for i := range sections {
		s := &sections[i]
		s.From, _ = slices.BinarySearchFunc(sentences, i, func(k Sentence, i int) int { return k.Section - i })
		s.To, _ = slices.BinarySearchFunc(sentences, i+1, func(k Sentence, i int) int { return k.Section - i })
	}
}
