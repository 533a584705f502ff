package facts

import (
	"context"
	"slices"
	"strings"

	"studysharper/app/offline/english"
	"studysharper/app/offline/language"
	"studysharper/app/offline/lists"
	"studysharper/app/study"
	"studysharper/app/text"
)

// A Sentence of a Source.
type Sentence struct {
	Text    string      // as in the outline
	Section int         // its index in Source.Sections
	First   bool        // opens its paragraph
	Focus   float64     // 0 to 1: how much it is about the request, see Aim
	Card    *lists.Card // its list entry, or nil

	plain string // see Plain
	alone bool
	sound judgement // see Source.Sound
}

// A judgement is a cached yes or no about a sentence.
type judgement byte

const (
	notJudged judgement = iota
	no
	yes
)

// Plain returns the sentence without an opening connective.
func (s *Sentence) Plain() string {
	if s.plain == "" {
		s.plain, s.alone = english.Standalone(s.Text)
	}
	return s.plain
}

// Alone reports whether Plain can be understood by itself.
func (s *Sentence) Alone() bool { return s.Plain() != "" && s.alone }

// A Section of a Source: Sentences[From:To] under a heading, which may be "".
type Section struct {
	Heading  string
	From, To int
	Words    int
}

// A Source is a text to make study aids from. Its methods analyse only the parts that they need and cache the results. Only its
// methods may change it, and only one goroutine may use it.
type Source struct {
	Sections  []Section
	Sentences []*Sentence
	Plain     []string // the Text of each sentence
	Bold      []string // emphasised phrases
	Language  *language.Language
	English   bool // Language is language.English
	Casing    english.Casing
	Index     Index
	headings  []text.Bag      // of the distinct headings
	marked    map[string]bool // cached results of isMarked

	ranks    memo[[]float64]
	phrases  memo[[]string]
	defs     memo[[]Definition]
	definer  *english.Definer // for DefsOf
	entities memo[[]Entity]
	title    memo[title]
	defines  memo[bool] // whether the lists are mostly terms with definitions
}

// A memo is a value that is computed at its first use.
type memo[T any] struct {
	made  bool
	value T
}

// get returns the value, computed by f.
func (m *memo[T]) get(f func() T) T {
	if !m.made {
		m.value, m.made = f(), true
	}
	return m.value
}

// A title is the name of the text, and the words of the name.
type title struct {
	name  string
	words text.Bag
}

// Bounds of a source.
const (
	maxSentences  = 2000
	maxPhrases    = 60
	sampledSpans  = 20
	maxBytes      = 1500 // of a sentence; longer ones are cut
	maxTitleRunes = 120
)

// Read analyses an outline, which it does not change. It samples 2000 sentences of a longer
// one: the beginnings of twenty evenly spaced stretches. Between its steps it returns
// context.Cause(ctx) if ctx has ended.
func Read(ctx context.Context, o Outline) (*Source, error) {
	src := &Source{Sections: slices.Clone(o.sections), Bold: o.text.Bold, Language: o.language, English: o.language == language.English}
	sentences := src.sampleSentences(o.sentences)
	for i := range sentences {
		src.Sentences = append(src.Sentences, &sentences[i])
		src.Plain = append(src.Plain, sentences[i].Text)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	src.Casing = english.NewCasing(src.Plain)
	src.Index = newIndex(src.Plain)
	src.readHeadings()
	return src, nil
}

// sampleSentences returns a copy of all sentences, or of the first ones of evenly spaced spans if there are more than
// maxSentences.
func (src *Source) sampleSentences(all []Sentence) []Sentence {
	n := len(all)
	if n <= maxSentences {
		return slices.Clone(all)
	}
	kept := make([]Sentence, 0, maxSentences)
	for i := range sampledSpans {
		from := i * n / sampledSpans
		kept = append(kept, all[from:from+maxSentences/sampledSpans]...)
	}
	locate(src.Sections, kept)
	return kept
}

// Rank returns the weight of sentence i relative to the heaviest sentence: 0 to 1.
func (src *Source) Rank(i int) float64 { return src.ranks.get(src.weighSentences)[i] }

// weighSentences ranks the sentences; the first one of a paragraph weighs a little more.
func (src *Source) weighSentences() []float64 {
	ranks := rank(src.Index)
	for i, s := range src.Sentences {
		if s.First {
			ranks[i] *= 1.15
		}
	}
	top := slices.Max(append(ranks, 1e-9))
	for i := range ranks {
		ranks[i] /= top
	}
	return ranks
}

// Phrases returns the key phrases of the text, at most 60, the heaviest first.
func (src *Source) Phrases() []string {
	return src.phrases.get(func() []string { return english.KeyphrasesIn(src.Plain, maxPhrases, src.Language, src.Casing) })
}

// Entities returns at most 300 persons, places, years and defined terms of the text.
func (src *Source) Entities() []Entity { return src.entities.get(src.listEntities) }

// Title returns the first heading, else the first key phrase, else "Your notes".
func (src *Source) Title() string { return src.named().name }

func (src *Source) named() title {
	return src.title.get(func() title {
		name := src.chooseTitle()
		return title{name, text.NewBag(name)}
	})
}

// Aim marks the sentences about the topic and the focus areas, or else about the message.
func (src *Source) Aim(b study.Brief) {
	wish, weight := strings.Join(append([]string{b.Options.Topic}, b.Options.FocusAreas...), " "), 1.0
	if strings.TrimSpace(wish) == "" {
		wish, weight = b.Message, 0.3
	}
	wanted := make(map[string]bool)
	for _, w := range text.Words(wish) {
		wanted[text.Stem(w)] = true
	}
	if len(wanted) == 0 || len(wanted) > 40 { // such a long message is the material itself
		return
	}
	for _, s := range src.Sentences {
		found := make(map[string]bool)
		for _, w := range text.Words(s.Text + " " + src.Sections[s.Section].Heading) {
			if stem := text.Stem(w); wanted[stem] {
				found[stem] = true
			}
		}
		s.Focus = weight * float64(len(found)) / float64(len(wanted))
	}
}

// chooseTitle returns the first heading, else the heaviest phrase, else a general title.
func (src *Source) chooseTitle() string {
	title := "Your notes"
	if phrases := src.Phrases(); len(phrases) > 0 && slices.ContainsFunc(src.Sentences, func(s *Sentence) bool { return s.Card == nil }) {
		title = english.Capital(phrases[0])
	}
	for _, s := range src.Sections {
		if s.Heading != "" {
			title = s.Heading
			break
		}
	}
	if r := []rune(title); len(r) > maxTitleRunes {
		title = string(r[:maxTitleRunes])
	}
	return title
}

// TopicAt returns the topic of sentence i: its section, or its heaviest phrase.
func (src *Source) TopicAt(i int) string {
	if h := src.Sections[src.Sentences[i].Section].Heading; h != "" {
		return h
	}
	if card := src.Sentences[i].Card; card != nil {
		if card.Kind == lists.Term {
			return english.Capital(card.Front)
		}
		return src.Title()
	}
	bag := text.NewBag(src.Sentences[i].Text)
	for _, p := range src.Phrases() {
		if bag.Overlap(p) == 1 {
			return english.Capital(p)
		}
	}
	return src.Title()
}
