package validate

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"studysharper/app/study"

	"studysharper/app/text"
)

// repairChoice sets the answer to the text of the right option and removes repeated and surplus wrong options. first is
// the label of the first option.
func repairChoice(q *study.Question, first byte) {
	right := meant(q, first)
	if right < 0 {
		return
	}
	answer := q.Options[right]
	q.CorrectAnswer = answer
	q.Options = dropSurplus(q.Options, answer, func(i int) bool {
		return slices.IndexFunc(q.Options, func(o string) bool { return plain(o) == plain(q.Options[i]) }) < i
	})
	q.Options = dropSurplus(q.Options, answer, func(int) bool { return true })
}

// dropSurplus removes wrong options for which may returns true, the last ones first, until four options are left.
func dropSurplus(options []string, answer string, may func(i int) bool) []string {
	kept := slices.Clone(options)
	for i := len(options) - 1; i >= 0 && len(kept) > study.ChoiceOptions; i-- {
		if options[i] != answer && may(i) {
			kept = slices.Delete(kept, i, i+1)
		}
	}
	return kept
}

// Labels of options: "A)", "(b)", "C -", "3."; a letter followed by a space only if all options have one.
var (
	letterLabel = text.Pattern(`^[\s(\[*]*([A-Za-z])(?:\s*[)\].:*]+\s*|\s+[-–—]\s+)`)
	numberLabel = text.Pattern(`^[\s(\[*]*([1-9])(?:\s*[).\]:*]+\s+|\s*[)\]]\s*|\s+[-–—]\s+)`)
	bareLabel   = text.Pattern(`^([A-Z])\s+`)
)

// label returns the position that a text's label names, from 0, and the text after the label. The position is -1 if
// there is no label.
func label(s string, pattern *regexp.Regexp) (place int, rest string) {
	found := pattern.FindStringSubmatch(s)
	if found == nil {
		return -1, s
	}
	mark := strings.ToUpper(found[1])[0]
	if mark >= 'A' {
		return int(mark - 'A'), s[len(found[0]):]
	}
	return int(mark - '1'), s[len(found[0]):]
}

// withoutLabels removes the labels from options if each has the label of its position, and returns the first label, 'A'
// or '1'; 0 = there are no labels.
func withoutLabels(options []string) (bare []string, first byte) {
	for _, style := range []struct {
		pattern *regexp.Regexp
		first   byte
	}{{letterLabel(), 'A'}, {numberLabel(), '1'}, {bareLabel(), 'A'}} {
		bare = make([]string, 0, len(options))
		for i, o := range options {
			place, rest := label(o, style.pattern)
			if place != i || strings.TrimSpace(rest) == "" {
				break
			}
			bare = append(bare, strings.TrimSpace(rest))
		}
		if len(bare) > 1 && len(bare) == len(options) {
			return bare, style.first
		}
	}
	return options, 0
}

// Choice returns the index of the option that an answer names, in any of the ways that models use; -1 if it is
// ambiguous or unknown.
func Choice(options []string, answer any) int {
	return meant(&study.Question{Options: options, CorrectAnswer: answer}, 0)
}

// meant returns the index of the option that an answer names: by its text, in any case and with or without a full stop;
// by its label, with or without the text; or by its index, from 0 unless the options were numbered. It returns -1 if
// the answer is ambiguous or unknown.
func meant(q *study.Question, first byte) int {
	switch answer := q.CorrectAnswer.(type) {
	case float64:
		return byIndex(q.Options, answer, first)
	case string:
		if i := only(q.Options, func(o string) bool { return o == answer }); i >= 0 {
			return i
		}
		answer = withoutPreface(answer)
		if i := only(q.Options, func(o string) bool { return plain(o) == plain(answer) }); i >= 0 {
			return i
		}
		if i := byLabel(q.Options, answer); i >= 0 {
			return i
		}
		if n, err := strconv.Atoi(plain(answer)); err == nil {
			return byIndex(q.Options, float64(n), first)
		}
	}
	return -1
}

// byIndex returns the index of the option with a number, or -1 if the number is out of range.
func byIndex(options []string, n float64, first byte) int {
	if first == '1' {
		n--
	}
	if i := int(n); float64(i) == n && i >= 0 && i < len(options) {
		return i
	}
	return -1
}

// preface matches words that may precede an answer's letter or text.
var preface = text.Pattern(`(?i)^[\s*]*(?:the\s+)?(?:correct\s+)?(?:answer|option|choice)\s*(?:is\s*)?[:\s]\s*`)

func withoutPreface(answer string) string {
	return strings.TrimSpace(strings.Trim(preface().ReplaceAllString(answer, ""), "* "))
}

// byLabel returns the index of the option that an answer like "B", "B) text" or "b - text" names. Text after the label
// must begin with the option's text.
func byLabel(options []string, answer string) int {
	if bare := plain(strings.Trim(answer, "()[]")); len(bare) == 1 && bare[0] >= 'a' && int(bare[0]-'a') < len(options) {
		return int(bare[0] - 'a')
	}
	for _, pattern := range []*regexp.Regexp{letterLabel(), numberLabel(), bareLabel()} {
		place, rest := label(answer, pattern)
		if place < 0 || place >= len(options) {
			continue
		}
		said, option := plain(rest), plain(options[place])
		if said == "" || option != "" && strings.HasPrefix(said, option) {
			return place
		}
	}
	return -1
}

// only returns the index of the one option that fits; -1 if none fits, or several do.
func only(options []string, fits func(string) bool) int {
	found := -1
	for i, o := range options {
		if !fits(o) {
			continue
		}
		if found >= 0 {
			return -1
		}
		found = i
	}
	return found
}
