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
	Text    string      // as it stands
	Plain   string      // without an opening connective
	Alone   bool        // Plain can be understood by itself
	Section int         // its place in Source.Sections
	First   bool        // opens its paragraph
	Rank    float64     // 0 to 1: its weight as a share of the heaviest sentence's
	Focus   float64     // 0 to 1: how much it is about what was asked for, see Aim
	Sound   bool        // can be asked about: refers to nothing outside of it, is not an example, not an instruction
	Card    *lists.Card // the entry of a list that it is, or nil
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

// A Source is an analysed text. Only its methods may change it, and only one goroutine may
// use it.
type Source struct {
	Title     string // the first heading, or what the text is most about; never ""
	Sections  []Section
	Sentences []Sentence
	Plain     []string     // the Text of each sentence
	Defs      []Definition // in the order of the text, 80 at most
	Phrases   []string     // the heaviest first, 60 at most
	Bold      []string     // emphasised phrases
	Language  *language.Language
	English   bool // Language is language.English
	Casing    english.Casing
	Index     Index
	titled    text.Bag        // the words of Title
	headings  []text.Bag      // of the different headings
	marked    map[string]bool // what isMarked has answered
	defines   bool            // the lists are mostly terms with definitions
	Entities  []Entity        // persons, places, years and defined terms, 300 at most

}

// Bounds of a source.
const (
	maxSentences  = 2000
	maxPhrases    = 60
	maxDefs       = 80 // each one is compared with every other
	sampledSpans  = 20
	maxBytes      = 1500 // of a sentence; what is longer is cut
	maxTitleRunes = 120
)

// Read analyses an outline, which it does not change. It samples 2000 sentences of a longer
// one: the beginnings of twenty evenly spaced stretches. Between its steps it returns
// context.Cause(ctx) if ctx has ended.
func Read(ctx context.Context, o Outline) (*Source, error) {
	src := &Source{Sections: slices.Clone(o.sections), Sentences: slices.Clone(o.sentences), Bold: o.text.Bold}
	src.sampleSentences()
	src.readSentences()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	src.Casing = english.NewCasing(src.Plain)
	src.Language = o.language
	src.English = src.Language == language.English
	src.Phrases = english.KeyphrasesIn(src.Plain, maxPhrases, src.Language)
	src.weighSentences(rank(src.Plain))
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	defs := english.DefinitionsIn(src.Plain)
	for i := range min(len(defs), maxDefs) {
		d := defs[i*len(defs)/min(len(defs), maxDefs)]
		src.Defs = append(src.Defs, Definition{d, slices.Index(src.Plain, d.Source)})
	}
	src.Index = newIndex(src.Plain)
	src.readHeadings()
	src.listEntities()
	src.Title = src.chooseTitle()
	src.titled = text.NewBag(src.Title)
	src.defines = src.mostlyDefines()
	src.judgeSentences()
	return src, nil
}

// readSentences analyses each sentence by itself.
func (src *Source) readSentences() {
	for i := range src.Sentences {
		s := &src.Sentences[i]
		s.Plain, s.Alone = english.Standalone(s.Text)
		src.Plain = append(src.Plain, s.Text)
	}
}

// sampleSentences keeps the first sentences of evenly spaced spans if there are more than
// maxSentences.
func (src *Source) sampleSentences() {
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

// weighSentences turns ranks into shares of the highest rank; the first sentence of a
// paragraph weighs a little more.
func (src *Source) weighSentences(ranks []float64) {
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

// chooseTitle names the material after its first heading, or its heaviest phrase.
func (src *Source) chooseTitle() string {
	title := "Your notes"
	if len(src.Phrases) > 0 && slices.ContainsFunc(src.Sentences, func(s Sentence) bool { return s.Card == nil }) {
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

// TopicAt returns what sentence i is about: its section, or its heaviest phrase.
func (src *Source) TopicAt(i int) string {
	if h := src.Sections[src.Sentences[i].Section].Heading; h != "" {
		return h
	}
	if card := src.Sentences[i].Card; card != nil {
		if card.Kind == lists.Term {
			return english.Capital(card.Front)
		}
		return src.Title
	}
	bag := text.NewBag(src.Sentences[i].Text)
	for _, p := range src.Phrases {
		if bag.Overlap(p) == 1 {
			return english.Capital(p)
		}
	}
	return src.Title
}
