package engine

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"studysharper/app/offline/english"
	"studysharper/app/offline/facts"
	"studysharper/app/offline/lists"
	"studysharper/app/study"
	"studysharper/app/text"
)

// summarySizes are the numbers of points and terms in a summary of each length.
var summarySizes = map[string]struct{ points, terms int }{
	study.Short: {3, 5}, "": {6, 8}, study.Medium: {6, 8}, study.Long: {10, 15},
}

// A point is a sentence chosen for a summary; place is its rank among the chosen ones,
// from 0.
type point struct{ at, place int }

// makeSummary returns the main sentences in the order of the text: 3, 6 or 10 of them, by
// length. The details of a point are the sentence after it.
func makeSummary(_ context.Context, src source, b study.Brief) study.Aid {
	size := summarySizes[b.Options.Length]
	points := src.chooseMainPoints(size.points)
	if len(points) == 0 {
		return nil
	}
	body := study.SummaryBody{Title: src.titleFor("Summary", b.Options), KeyTerms: src.keyTerms(size.terms)}
	for _, p := range points {
		body.MainPoints = append(body.MainPoints, study.MainPoint{
			Point: english.Finished(src.Sentences[p.at].Plain()), Details: src.findDetails(p.at, points),
			Importance: []string{"high", "medium", "low"}[p.place*3/len(points)], Origin: src.quoting(p.at),
		})
	}
	body.Text = src.formatPoints(points, b.Options.Style)
	words := len(strings.Fields(body.Text))
	return &study.SummarySet{Summary: body, WordCount: words, EstimatedReadingTimeMinutes: (words + 199) / 200}
}

// chooseMainPoints returns n sentences in the order of the text: the heaviest ones, spread
// over the sections, without repetition.
func (src source) chooseMainPoints(n int) []point {
	score := src.scorePoints()
	var order []int
	for i := range src.Sentences {
		if score[i] > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(score[b], score[a]) })
	order = src.spread(order, 20*n)
	var chosen []point
	var tenths facts.Tenths
	inSection := make(map[int]int)
	for len(chosen) < n && len(order) > 0 {
		best, top := 0, math.Inf(-1)
		for k, i := range order {
			fit := score[i] - 0.25*float64(inSection[src.Sentences[i].Section]) - 0.6*src.measureRepetition(i, chosen)
			if src.IsLong() {
				fit -= float64(tenths[src.Tenth(i)])
			}
			if fit > top {
				best, top = k, fit
			}
		}
		i := order[best]
		order = slices.Delete(order, best, best+1)
		if src.measureRepetition(i, chosen) == 1 {
			continue
		}
		inSection[src.Sentences[i].Section]++
		tenths[src.Tenth(i)]++
		chosen = append(chosen, point{i, len(chosen)})
	}
	slices.SortFunc(chosen, func(a, b point) int { return a.at - b.at })
	return chosen
}

// spread keeps the first n sentences; from a long text, it takes equally many from each tenth as far as possible.
func (src source) spread(order []int, n int) (kept []int) {
	var tenths facts.Tenths
	for _, i := range order {
		if tenth := src.Tenth(i); !src.IsLong() && len(kept) < n || src.IsLong() && tenths[tenth] < n/len(tenths) {
			tenths[tenth]++
			kept = append(kept, i)
		}
	}
	return kept
}

// scorePoints scores each sentence as a main point. Sentences that depend on others score 0
// unless there are no others.
func (src source) scorePoints() []float64 {
	score := make([]float64, len(src.Sentences))
	title := text.NewBag(src.Title())
	sound := false
	for i := 0; i < len(src.Sentences) && !sound; i++ {
		sound = src.Sound(i)
	}
	for i, s := range src.Sentences {
		words := strings.Count(s.Plain(), " ") + 1
		if !src.canBePoint(i, words, sound) {
			continue
		}
		score[i] = 0.01 + src.Rank(i) + 1.5*s.Focus + 0.5*title.Overlap(s.Plain())
		if subject, _, ok := english.Split(s.Plain()); ok && english.IsVague(subject) {
			score[i] += 0.2 // "The function of …"
		}
		if words < 7 && utf8.RuneCountInString(s.Plain()) < 50 {
			score[i] *= 0.7
		}
	}
	src.scoreTerms(score)
	src.scoreLists(score)
	return score
}

// maxPointWords bounds a main point.
const maxPointWords = 45

// canBePoint reports whether a sentence can be a main point. If the text has sound sentences, only these can.
func (src source) canBePoint(i, words int, sound bool) bool {
	s := src.Sentences[i]
	switch {
	case s.Card != nil && s.Focus == 0 || strings.HasSuffix(s.Text, "?") || len(text.Words(s.Plain())) < 2:
		return false
	case sound:
		return s.Card != nil || src.Sound(i) && words <= maxPointWords && english.HasClause(s.Plain())
	default:
		return !src.English || s.Alone() && words <= maxPointWords
	}
}

// scoreLists scores the entries of lists as points if there are no other points.
func (src source) scoreLists(score []float64) {
	if slices.Max(append(score, 0)) > 0 {
		return
	}
	for i, s := range src.Sentences {
		if len(text.Words(s.Plain())) > 1 && !strings.HasSuffix(s.Text, "?") {
			score[i] = 0.01 + src.Rank(i) + s.Focus
		}
	}
}

// scoreTerms adds to the scores of sentences that define terms or mention key concepts.
func (src source) scoreTerms(score []float64) {
	for _, d := range src.Defs() {
		if score[d.At] > 0 {
			score[d.At] += 0.1
		}
	}
	for _, c := range src.keyConcepts(12) {
		for _, i := range src.Index.Mentions(c) {
			if score[i] > 0 {
				score[i] += 0.08
			}
		}
	}
}

// measureRepetition returns the share of sentence i that the chosen points already cover.
func (src source) measureRepetition(i int, chosen []point) float64 {
	most := 0.0
	ids := src.Index.Of(i)
	for _, p := range chosen {
		most = max(most, src.Index.Share(ids, len(ids), p.at))
	}
	return most
}

// maxDetails bounds the details of a point, in bytes.
const maxDetails = 320

// findDetails returns the sentence after a point, or "" if that is itself a point, belongs to
// another paragraph, or points to a figure.
func (src source) findDetails(at int, points []point) string {
	next := at + 1
	if next == len(src.Sentences) || src.Sentences[next].First || slices.ContainsFunc(points, func(p point) bool { return p.at == next }) {
		return ""
	}
	s := src.Sentences[next].Text
	if len(s) > maxDetails || strings.HasSuffix(s, "?") || strings.HasSuffix(s, ":") || src.Sentences[next].Card != nil || src.English && (english.PointsOutside(s) || !english.EndsComplete(s)) {
		return ""
	}
	return english.Finished(s)
}

// terms returns the terms that are defined, in the order of the text, without duplicates.
func (src source) terms() []string {
	var out []string
	for _, k := range src.listKeyTerms() {
		if !slices.Contains(out, k.name) {
			out = append(out, k.name)
		}
	}
	return out
}

// A keyTerm is a term with its meaning.
type keyTerm struct {
	name, meaning string
	at            int
	score         float64
}

// listKeyTerms returns the definitions that are clear without their context and the entries of lists that
// define terms, in the order of the text.
func (src source) listKeyTerms() []keyTerm {
	var out []keyTerm
	add := func(name, meaning string, at int) {
		s := src.Sentences[at]
		out = append(out, keyTerm{name, meaning, at, src.Rank(at) + src.Prominence(name) + 1.5*s.Focus})
	}
	for _, d := range src.Defs() {
		switch {
		case !src.IsWorthDefining(d) || !src.Sound(d.At):
		case d.Form == english.Parts:
			add(d.Term, stateDefinition(d, d.Meaning), d.At)
		case d.Form == english.Phrase:
			add(d.Term, english.WithoutContrast(d.Meaning), d.At)
		}
	}
	for i, s := range src.Sentences {
		if s.Card != nil && s.Card.Kind == lists.Term && strings.Contains(s.Card.Back, " ") {
			add(s.Card.Front, s.Card.Back, i)
		}
	}
	slices.SortStableFunc(out, func(a, b keyTerm) int { return a.at - b.at })
	return out
}

// keyTerms returns the n most prominent terms in the order of the text, each once.
func (src source) keyTerms(n int) []study.KeyTerm {
	list := src.listKeyTerms()
	slices.SortStableFunc(list, func(a, b keyTerm) int { return cmp.Compare(b.score, a.score) })
	var kept []keyTerm
	for _, k := range list {
		if len(kept) < n && !slices.ContainsFunc(kept, func(o keyTerm) bool { return strings.EqualFold(o.name, k.name) }) {
			kept = append(kept, k)
		}
	}
	slices.SortStableFunc(kept, func(a, b keyTerm) int { return a.at - b.at })
	out := []study.KeyTerm{}
	for _, k := range kept {
		out = append(out, study.KeyTerm{Term: english.Capital(k.name), Definition: english.Finished(k.meaning), Origin: src.quoting(k.at)})
	}
	return out
}

// formatPoints writes the points as a list, a paragraph or an outline by section.
func (src source) formatPoints(points []point, style string) string {
	var out strings.Builder
	section, number := -1, 0
	for i, p := range points {
		s := src.Sentences[p.at]
		switch style {
		case study.Paragraph:
			if i > 0 {
				out.WriteByte(' ')
			}
			out.WriteString(english.Finished(s.Plain()))
			continue
		case study.Outline:
			if s.Section != section {
				section, number = s.Section, number+1
				fmt.Fprintf(&out, "%d. %s\n", number, src.TopicAt(p.at))
			}
			out.WriteString("   ")
		}
		out.WriteString("- " + english.Finished(s.Plain()) + "\n")
	}
	return strings.TrimRight(out.String(), "\n")
}

// titleFor returns the title of an aid: the requested topic, or the title of the material.
func (src source) titleFor(kind string, o study.Options) string {
	if topic := strings.TrimSpace(o.Topic); topic != "" {
		return kind + ": " + topic
	}
	return kind + ": " + src.Title()
}
