package facts

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"studysharper/app/offline/english"
	"studysharper/app/study"
	"studysharper/app/text"
)

// A Sentence of a Source.
type Sentence struct {
	Text    string  // as it stands
	Plain   string  // without an opening connective
	Alone   bool    // Plain can be understood by itself
	Section int     // its place in Source.Sections
	First   bool    // opens its paragraph
	Rank    float64 // 0 to 1: its weight as a share of the heaviest sentence's
	Focus   float64 // 0 to 1: how much it speaks of what was asked about, see Aim
}

// A Section of a Source: Sentences[From:To] under a heading, which may be "".
type Section struct {
	Heading  string
	From, To int
	Words    int
}

// A Definition that a Source gives.
type Definition struct {
	english.Definition
	At int // its sentence
}

// A Source is a text taken apart once for whatever is made of it. Only its methods
// may change it; it is for one goroutine.
type Source struct {
	Title     string // the first heading, or what the text is most about; never ""
	Sections  []Section
	Sentences []Sentence
	Plain     []string     // the Text of each sentence
	Defs      []Definition // in the order of the text, 80 at most
	Phrases   []string     // the heaviest first, 60 at most
	English   bool         // by its first sentences
	Casing    english.Casing
	Index     Index

	years []int    // that the sentences name, each once
	loose []string // phrases that can stand for a term in an option
}

// Bounds of a source.
const (
	maxSentences  = 2000
	maxPhrases    = 60
	maxDefs       = 80 // every one is held against every other
	sampledSpans  = 20
	maxBytes      = 1500 // of a sentence; what is longer is cut
	maxTitleRunes = 120
)

// Read takes an outline apart. Of more than 2000 sentences it keeps 2000, the
// beginnings of twenty evenly spaced stretches. It looks at ctx between its steps
// and gives context.Cause(ctx) when that has ended. It leaves o as it is.
func Read(ctx context.Context, o Outline) (*Source, error) {
	src := &Source{Sections: slices.Clone(o.sections), Sentences: slices.Clone(o.sentences)}
	src.sample()
	src.understand()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	src.Casing = english.NewCasing(src.Plain)
	src.English = english.ReadsEnglish(src.Plain)
	src.Phrases = english.KeyphrasesIn(src.Plain, maxPhrases)
	src.weigh(rank(src.Plain))
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	defs := english.DefinitionsIn(src.Plain)
	for i := range min(len(defs), maxDefs) {
		d := defs[i*len(defs)/min(len(defs), maxDefs)]
		src.Defs = append(src.Defs, Definition{d, slices.Index(src.Plain, d.Source)})
	}
	src.Index = newIndex(src.Plain)
	src.loose = src.loosePhrases()
	src.Title = src.makeTitle()
	return src, nil
}

// understand sees what each sentence is by itself.
func (src *Source) understand() {
	for i := range src.Sentences {
		s := &src.Sentences[i]
		s.Plain, s.Alone = english.Standalone(s.Text)
		src.Plain = append(src.Plain, s.Text)
		if y, err := strconv.Atoi(YearIn(s.Text)); err == nil && !slices.Contains(src.years, y) {
			src.years = append(src.years, y)
		}
	}
}

// sample keeps the leading sentences of evenly spaced spans when there are more
// than maxSentences.
func (src *Source) sample() {
	n := len(src.Sentences)
	if n <= maxSentences {
		return
	}
	kept := make([]Sentence, 0, maxSentences)
	for i := range sampledSpans {
		from := i * n / sampledSpans
		kept = append(kept, src.Sentences[from:from+maxSentences/sampledSpans]...)
	}
	src.Sentences = kept
	locate(src.Sections, kept)
}

// weigh turns ranks into shares of the greatest; a paragraph's first sentence
// weighs a little more.
func (src *Source) weigh(ranks []float64) {
	for i := range src.Sentences {
		if src.Sentences[i].First {
			ranks[i] *= 1.15
		}
	}
	top := slices.Max(append(ranks, 1e-9))
	for i := range src.Sentences {
		src.Sentences[i].Rank = ranks[i] / top
	}
}

// Aim marks the sentences that speak of what was asked about: the topic and the
// focus areas, or else the message.
func (src *Source) Aim(b study.Brief) {
	wish, weight := strings.Join(append([]string{b.Options.Topic}, b.Options.FocusAreas...), " "), 1.0
	if strings.TrimSpace(wish) == "" {
		wish, weight = b.Message, 0.3
	}
	wanted := make(map[string]bool)
	for _, w := range text.Words(wish) {
		wanted[text.Stem(w)] = true
	}
	if len(wanted) == 0 || len(wanted) > 40 { // a message that long is the material itself
		return
	}
	for i := range src.Sentences {
		s := &src.Sentences[i]
		found := make(map[string]bool)
		for _, w := range text.Words(s.Text + " " + src.Sections[s.Section].Heading) {
			if stem := text.Stem(w); wanted[stem] {
				found[stem] = true
			}
		}
		s.Focus = weight * float64(len(found)) / float64(len(wanted))
	}
}

// makeTitle names the material: its first heading, or what it is most about.
func (src *Source) makeTitle() string {
	title := "Your notes"
	if len(src.Phrases) > 0 {
		title = english.Capital(src.Phrases[0])
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

// Topic is what the sentence at i is about: its section, or its heaviest phrase.
func (src *Source) Topic(i int) string {
	if h := src.Sections[src.Sentences[i].Section].Heading; h != "" {
		return h
	}
	bag := text.NewBag(src.Sentences[i].Text)
	for _, p := range src.Phrases {
		if bag.Overlap(p) == 1 {
			return english.Capital(p)
		}
	}
	return src.Title
}
