// Package validate judges a finished aid by rules: it settles what needs no
// judgement, scores accuracy (are the claims in the source?) and quality (no
// repeats, nothing hollow, readable, sane lengths) against a threshold for each
// type, and holds back what no study aid says. It is pure and knows no model: it is
// the only judge of what the offline engine makes, and the first of what a language
// model does, whose answers are then judged by the model too, against the same thresholds.
package validate

import (
	"fmt"
	"strings"
	"unicode"

	"studysharper/app/study"
	"studysharper/app/text"
)

// Report is how an aid came out. A nil score was not checked.
type Report struct {
	Accuracy *float64 // 0 to 1
	Quality  *float64 // 0 to 1
	Issues   []string // what lowered the scores, by JSON path; never the aid's words
	Passed   bool
}

// threshold is what an aid must reach; 0 is not checked.
type threshold struct{ accuracy, quality float64 }

// thresholds by type. A Reply is free speech: only its safety is checked.
var thresholds = map[study.Type]threshold{
	study.Chat:       {},
	study.Flashcards: {accuracy: .75, quality: .7},
	study.Quiz:       {accuracy: .85, quality: .75},
	study.Exam:       {accuracy: .9, quality: .85},
	study.Summary:    {accuracy: .8, quality: .7},
	study.Analysis:   {quality: .6},
	study.Plan:       {quality: .6},
}

const (
	maxIssues     = 8   // that a Report names
	nearRepeat    = .9  // share of common words from which two items are one
	weakClaim     = .5  // overlap under which a claim is named as an issue
	summaryFactor = 1.1 // a summary may be this much longer than its source
	summaryFloor  = 60  // words that any summary may have
)

// SafeFrom is the least safety score of an aid that may be shown.
const SafeFrom = .5

// Rules scores an aid that Check has passed, against the brief it was made from.
func Rules(a study.Aid, b study.Brief) Report {
	want := thresholds[a.Type()]
	list := items(a)
	var r Report
	if want.accuracy > 0 && strings.TrimSpace(b.Material) != "" && len(list) > 0 {
		r.Accuracy = r.accuracy(list, b.Material)
	}
	if want.quality > 0 && len(list) > 0 {
		r.Quality = r.quality(a, list, b.Material)
	}
	r.Passed = Passed(a.Type(), r.Accuracy, r.Quality)
	return r
}

// Passed reports whether the scores reach what an aid of the type must, no matter which check gave
// them; a nil score was not checked.
func Passed(t study.Type, accuracy, quality *float64) bool {
	want := thresholds[t]
	return (accuracy == nil || *accuracy >= want.accuracy) && (quality == nil || *quality >= want.quality)
}

func (r *Report) note(format string, args ...any) {
	if len(r.Issues) < maxIssues {
		r.Issues = append(r.Issues, fmt.Sprintf(format, args...))
	}
}

// accuracy is the mean share of each claim's words that the source bears out.
func (r *Report) accuracy(list []item, material string) *float64 {
	source := text.NewBag(material)
	sum, claims := 0.0, 0
	for _, it := range list {
		if it.claim == "" {
			continue
		}
		share := source.Overlap(it.claim)
		if share < weakClaim {
			r.note("%s is not borne out by the material", it.path)
		}
		sum, claims = sum+share, claims+1
	}
	score := 1.0
	if claims > 0 {
		score = sum / float64(claims)
	}
	return &score
}

// quality multiplies what the items lose by repeating, being hollow or unreadable,
// and what the whole loses by its length: one bad trait is enough to fail.
func (r *Report) quality(a study.Aid, list []item, material string) *float64 {
	score := r.unlike(list) * r.filled(list) * r.readable(list) * r.length(a, material)
	return &score
}

// unlike is the share of items that do not nearly repeat an earlier one.
func (r *Report) unlike(list []item) float64 {
	sets := make([]map[string]bool, len(list))
	repeats := 0
	for i, it := range list {
		sets[i] = make(map[string]bool)
		for _, w := range lowerWords(it.key) {
			sets[i][w] = true
		}
		for j := range i {
			if alike(sets[i], sets[j]) {
				r.note("%s nearly repeats %s", it.path, list[j].path)
				repeats++
				break
			}
		}
	}
	return 1 - float64(repeats)/float64(len(list))
}

func alike(a, b map[string]bool) bool {
	common := 0
	for w := range a {
		if b[w] {
			common++
		}
	}
	return float64(common) >= nearRepeat*float64(len(a)+len(b)-common)
}

// filled is the mean share of texts that an item should have and has.
func (r *Report) filled(list []item) float64 {
	sum := 0.0
	for _, it := range list {
		has := 0
		for _, s := range it.wanted {
			if len(lowerWords(s)) > 0 {
				has++
			}
		}
		if has < len(it.wanted) {
			r.note("%s lacks a text", it.path)
		}
		sum += float64(has) / float64(len(it.wanted))
	}
	return sum / float64(len(list))
}

// readable is the share of items whose texts are words of bearable number and
// length, without control characters.
func (r *Report) readable(list []item) float64 {
	bad := 0
	for _, it := range list {
		for _, s := range it.wanted {
			if !legible(s, it.longest) {
				r.note("%s has a text that is too long or not readable", it.path)
				bad++
				break
			}
		}
	}
	return 1 - float64(bad)/float64(len(list))
}

func legible(s string, longest int) bool {
	words := strings.Fields(s)
	broken := strings.IndexFunc(s, func(r rune) bool {
		return r == unicode.ReplacementChar || (unicode.IsControl(r) && !unicode.IsSpace(r))
	}) >= 0
	return !broken && len(words) <= longest
}

// length is 1, or less for a summary that is longer than what it sums up.
func (r *Report) length(a study.Aid, material string) float64 {
	s, ok := a.(*study.SummarySet)
	if !ok || strings.TrimSpace(material) == "" {
		return 1
	}
	limit := max(summaryFactor*float64(len(strings.Fields(material))), summaryFloor)
	if float64(s.WordCount) <= limit {
		return 1
	}
	r.note("the summary is longer than its source")
	return limit / float64(s.WordCount)
}

// lowerWords splits a text into its words, in lower case.
func lowerWords(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}
