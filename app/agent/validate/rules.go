// Package validate checks a finished aid by rules: it settles what needs no judgement, checks each item's evidence
// against the material, and withholds texts that no study aid contains. The one idea: a rule may only reject what is
// certainly wrong. No rule can decide whether an answer that paraphrases the material is right; therefore rules give no
// scores, only a judging model does. The package is pure and does not depend on a model.
package validate

import (
	"strings"
	"unicode"

	"studysharper/app/study"
)

// Report is the result of the rules for an aid.
type Report struct {
	Faults []string // of items that were removed, or of all items; by JSON path, never with text of the aid
	Issues []string // what may be wrong; in the same form
	Quoted bool     // an item quotes the material
	Passed bool     // false: all quotes are about something else than the material; no item was removed for that
}

// threshold is the score that a judging model must give; 0 = not scored.
type threshold struct{ accuracy, quality float64 }

// thresholds by type. A Reply is not scored: only its safety is checked.
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
	maxIssues     = 8   // in a Report
	nearRepeat    = .9  // share of common words from which two items are near repeats
	summaryFactor = 1.1 // a summary may be this much longer than its source
	summaryFloor  = 60  // words that any summary may have
)

// SafeFrom is the minimum safety score of an aid that may be shown.
const SafeFrom = .5

// Passed reports whether a model's scores reach the thresholds of the type; nil = not scored.
func Passed(t study.Type, accuracy, quality *float64) bool {
	want := thresholds[t]
	return (accuracy == nil || *accuracy >= want.accuracy) && (quality == nil || *quality >= want.quality)
}

// Scored reports which scores a judging model must give. Accuracy is measured against the material, so it needs one.
func Scored(b study.Brief) (accuracy, quality bool) {
	want := thresholds[b.Type]
	return want.accuracy > 0 && strings.TrimSpace(b.Material) != "", want.quality > 0
}

// Rules removes the items of a settled aid that no student could read, and completes or removes the sources of the
// others. An aid does not pass if all of its quotes are about something else than the material.
func Rules(a study.Aid, b study.Brief, from *Sources) Report {
	var r Report
	all := items(a)
	unreadable := make(map[string]bool)
	for _, it := range all {
		if !it.legible() {
			unreadable[it.path] = true
			r.fault(it.path + " has a text that is empty, too long or not readable")
		}
	}
	quoted, wrong := from.Cite(a)
	r.Quoted = quoted
	r.Passed = quoted || len(wrong) == 0 || strings.TrimSpace(b.Material) == "" || !foreign(wrong, b.Material)
	tell := r.issue
	if !r.Passed {
		tell = r.fault
	}
	for _, it := range all {
		if wrong[it.path] != "" {
			tell(it.path + " quotes evidence that is not in the material")
		}
	}
	if len(unreadable) < len(all) {
		filter(a, func(path string) bool { return !unreadable[path] })
		Settle(a, b.Options)
	}
	r.nearRepeats(items(a))
	r.length(a, b.Material)
	return r
}

func (r *Report) fault(s string) {
	if len(r.Faults) < maxIssues {
		r.Faults = append(r.Faults, s)
	}
}

func (r *Report) issue(s string) {
	if len(r.Issues) < maxIssues {
		r.Issues = append(r.Issues, s)
	}
}

// nearRepeats reports items that hardly differ from an earlier one.
func (r *Report) nearRepeats(list []item) {
	sets := wordSets(list)
	for i, it := range list {
		for j := range i {
			if alike(sets[i], sets[j]) {
				r.issue(it.path + " nearly repeats " + list[j].path)
				break
			}
		}
	}
}

// wordSets returns the set of words of each item.
func wordSets(list []item) []map[string]bool {
	sets := make([]map[string]bool, len(list))
	for i, it := range list {
		sets[i] = make(map[string]bool)
		for _, w := range lowerWords(it.key) {
			sets[i][w] = true
		}
	}
	return sets
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

// legible reports whether an item's texts contain words, but not too many, and no control characters.
func (it item) legible() bool {
	for _, s := range it.wanted {
		broken := strings.IndexFunc(s, func(r rune) bool {
			return r == unicode.ReplacementChar || unicode.IsControl(r) && !unicode.IsSpace(r)
		}) >= 0
		if broken || len(strings.Fields(s)) > it.longest || it.strict && strings.IndexFunc(s, visible) < 0 {
			return false
		}
	}
	return true
}

// visible reports whether a character carries meaning: an answer may be a symbol, such as "+".
func visible(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsSymbol(r) || r == '-' || r == '%' || r == '*' || r == '/'
}

// length reports a summary that is longer than its source.
func (r *Report) length(a study.Aid, material string) {
	s, ok := a.(*study.SummarySet)
	limit := max(summaryFactor*float64(len(strings.Fields(material))), summaryFloor)
	if ok && strings.TrimSpace(material) != "" && float64(s.WordCount) > limit {
		r.issue("the summary is longer than its source")
	}
}

// lowerWords splits a text into its words, in lower case.
func lowerWords(s string) []string {
	words := make([]string, 0, len(s)/5)
	for word := range strings.FieldsFuncSeq(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		words = append(words, word)
	}
	return words
}
