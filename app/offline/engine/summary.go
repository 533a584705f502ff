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
	"studysharper/app/study"
	"studysharper/app/text"
)

// How many points and terms a summary of each length has.
var summarySizes = map[string]struct{ points, terms int }{
	study.Short: {3, 5}, "": {6, 8}, study.Medium: {6, 8}, study.Long: {10, 15},
}

// A point is a sentence chosen for a summary; place is its place among the chosen,
// the weightiest 0.
type point struct{ at, place int }

// makeSummary gives the main sentences, 3, 6 or 10 by length, in the order of the
// text, with the sentence behind each as its details.
func makeSummary(_ context.Context, src source, b study.Brief) study.Aid {
	size := summarySizes[b.Options.Length]
	points := src.mainPoints(size.points)
	if len(points) == 0 {
		return nil
	}
	body := study.SummaryBody{Title: src.titleFor("Summary", b.Options), KeyTerms: src.keyTerms(size.terms)}
	for _, p := range points {
		body.MainPoints = append(body.MainPoints, study.MainPoint{
			Point: english.Finished(src.Sentences[p.at].Plain), Details: src.details(p.at, points),
			Importance: []string{"high", "medium", "low"}[p.place*3/len(points)],
		})
	}
	body.Text = src.styled(points, b.Options.Style)
	words := len(strings.Fields(body.Text))
	return &study.SummarySet{Summary: body, WordCount: words, EstimatedReadingTimeMinutes: (words + 199) / 200}
}

// mainPoints chooses n sentences: heavy, spread over the sections, and not saying
// the same; in the order of the text.
func (src source) mainPoints(n int) []point {
	score := src.pointScores()
	var order []int
	for i := range src.Sentences {
		if score[i] > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(score[b], score[a]) })
	order = order[:min(len(order), 20*n)]
	var chosen []point
	inSection := make(map[int]int)
	for len(chosen) < n && len(order) > 0 {
		best, top := 0, math.Inf(-1)
		for k, i := range order {
			fit := score[i] - 0.25*float64(inSection[src.Sentences[i].Section]) - 0.6*src.likeness(i, chosen)
			if fit > top {
				best, top = k, fit
			}
		}
		i := order[best]
		order = slices.Delete(order, best, best+1)
		if src.likeness(i, chosen) == 1 {
			continue
		}
		inSection[src.Sentences[i].Section]++
		chosen = append(chosen, point{i, len(chosen)})
	}
	slices.SortFunc(chosen, func(a, b point) int { return a.at - b.at })
	return chosen
}

// pointScores gives each sentence's fitness as a main point; 0 for none. Sentences
// that lean on others come in only when there are no others.
func (src source) pointScores() []float64 {
	score := make([]float64, len(src.Sentences))
	title := text.NewBag(src.Title)
	some := slices.ContainsFunc(src.Sentences, func(s facts.Sentence) bool { return s.Alone })
	for i, s := range src.Sentences {
		words := strings.Count(s.Plain, " ") + 1
		if strings.HasSuffix(s.Text, "?") || some && (!s.Alone || words > 45) || len(text.Words(s.Plain)) < 2 {
			continue
		}
		score[i] = 0.01 + s.Rank + 1.5*s.Focus + 0.5*title.Overlap(s.Plain)
		if subject, _, ok := english.Split(s.Plain); ok && english.IsVague(subject) {
			score[i] += 0.2 // "The function of …"
		}
		if words < 7 && utf8.RuneCountInString(s.Plain) < 50 {
			score[i] *= 0.7
		}
	}
	src.addTerms(score)
	return score
}

// addTerms adds to the scores of sentences for the terms they define and the key
// concepts they join.
func (src source) addTerms(score []float64) {
	for _, d := range src.Defs {
		switch {
		case score[d.At] == 0:
		case d.Label: // a glossary's line is no main point
			score[d.At] /= 2
		default:
			score[d.At] += 0.1
		}
	}
	for _, c := range src.concepts(12) {
		for _, i := range src.Index.Mentions(c) {
			if score[i] > 0 {
				score[i] += 0.08
			}
		}
	}
}

// likeness is how much of the sentence at i one of the chosen already says.
func (src source) likeness(i int, chosen []point) float64 {
	most := 0.0
	ids := src.Index.Of(i)
	for _, p := range chosen {
		most = max(most, src.Index.Share(ids, len(ids), p.at))
	}
	return most
}

// details is the sentence that goes on from a point, "" when that is a point itself
// or another paragraph's.
func (src source) details(at int, points []point) string {
	next := at + 1
	if next == len(src.Sentences) || src.Sentences[next].First || strings.HasSuffix(src.Sentences[next].Text, "?") ||
		slices.ContainsFunc(points, func(p point) bool { return p.at == next }) {
		return ""
	}
	return english.Finished(src.Sentences[next].Text)
}

// terms are the defined ones in the order of the text, each once.
func (src source) terms() []string {
	var out []string
	for _, d := range src.Defs {
		if !slices.Contains(out, d.Term) {
			out = append(out, d.Term)
		}
	}
	return out
}

// keyTerms gives the n most prominent definitions in the order of the text, each
// term once.
func (src source) keyTerms(n int) []study.KeyTerm {
	type ranked struct {
		d     facts.Definition
		score float64
	}
	var list []ranked
	for _, d := range src.Defs {
		s := src.Sentences[d.At]
		score := s.Rank + src.Prominence(d.Term) + 1.5*s.Focus
		same := func(r ranked) bool { return r.d.Term == d.Term }
		if at := slices.IndexFunc(list, same); at < 0 {
			list = append(list, ranked{d, score})
		} else if list[at].d.Form == english.Parts {
			list[at] = ranked{d, score}
		}
	}
	slices.SortStableFunc(list, func(a, b ranked) int { return cmp.Compare(b.score, a.score) })
	list = list[:min(n, len(list))]
	slices.SortStableFunc(list, func(a, b ranked) int { return a.d.At - b.d.At })
	out := []study.KeyTerm{}
	for _, r := range list {
		meaning := english.Finished(r.d.Meaning)
		if r.d.Form == english.Parts {
			meaning = stating(r.d, r.d.Meaning)
		}
		out = append(out, study.KeyTerm{Term: english.Capital(r.d.Term), Definition: meaning})
	}
	return out
}

// styled writes the points as a list, a paragraph or an outline by section.
func (src source) styled(points []point, style string) string {
	var out strings.Builder
	section, number := -1, 0
	for i, p := range points {
		s := src.Sentences[p.at]
		switch style {
		case study.Paragraph:
			if i > 0 {
				out.WriteByte(' ')
			}
			out.WriteString(english.Finished(s.Plain))
			continue
		case study.Outline:
			if s.Section != section {
				section, number = s.Section, number+1
				fmt.Fprintf(&out, "%d. %s\n", number, src.Topic(p.at))
			}
			out.WriteString("   ")
		}
		out.WriteString("- " + english.Finished(s.Plain) + "\n")
	}
	return strings.TrimRight(out.String(), "\n")
}

// titleFor is the title of an aid: the topic asked for, or the material's.
func (src source) titleFor(kind string, o study.Options) string {
	if topic := strings.TrimSpace(o.Topic); topic != "" {
		return kind + ": " + topic
	}
	return kind + ": " + src.Title
}
