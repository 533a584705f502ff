package validate

import (
	"slices"
	"strconv"
	"strings"

	"studysharper/app/study"
)

// questionTypes are the names that models give to the types of questions, without case,
// spaces, hyphens and underscores.
var questionTypes = map[string]string{
	"multiplechoice": study.MultipleChoice, "mcq": study.MultipleChoice, "mc": study.MultipleChoice, "choice": study.MultipleChoice,
	"singlechoice": study.MultipleChoice, "multiplechoicequestion": study.MultipleChoice,
	"truefalse": study.TrueFalse, "true/false": study.TrueFalse, "trueorfalse": study.TrueFalse, "tf": study.TrueFalse, "boolean": study.TrueFalse,
	"shortanswer": study.ShortAnswer, "short": study.ShortAnswer, "open": study.ShortAnswer, "openended": study.ShortAnswer,
	"freetext": study.ShortAnswer, "freeresponse": study.ShortAnswer, "essay": study.ShortAnswer, "shortanswerquestion": study.ShortAnswer,
}

// defaultPoints are the points of a question without any.
var defaultPoints = map[string]int{study.MultipleChoice: 10, study.TrueFalse: 5, study.ShortAnswer: 10}

var unspaced = strings.NewReplacer(" ", "", "-", "", "_", "")

// repairQuestion repairs what needs no judgement: the type's name, the points, and which option
// is meant.
func repairQuestion(q *study.Question, exam bool) {
	if known, ok := questionTypes[unspaced.Replace(strings.ToLower(strings.TrimSpace(q.Type)))]; ok {
		q.Type = known
	} else if strings.TrimSpace(q.Type) == "" {
		q.Type = typeOf(q)
	}
	if q.Type == study.MultipleChoice && areBooleans(q.Options) {
		q.Type = study.TrueFalse
	}
	if q.Points <= 0 {
		q.Points = defaultPoints[q.Type]
	}
	switch q.Type {
	case study.MultipleChoice:
		repairChoice(q)
	case study.TrueFalse:
		repairBoolean(q)
	case study.ShortAnswer:
		repairShortAnswer(q, exam)
	}
}

// typeOf is the type of a question whose type is missing.
func typeOf(q *study.Question) string {
	_, isBool := q.CorrectAnswer.(bool)
	switch {
	case isBool || areBooleans(q.Options):
		return study.TrueFalse
	case len(q.Options) > 0:
		return study.MultipleChoice
	default:
		return study.ShortAnswer
	}
}

// areBooleans reports whether the options are true and false.
func areBooleans(options []string) bool {
	if len(options) != 2 {
		return false
	}
	a, b := plain(options[0]), plain(options[1])
	return a == "true" && b == "false" || a == "false" && b == "true"
}

// repairChoice takes letters off the options, gives the right one its text, and removes
// repeated and surplus wrong ones.
func repairChoice(q *study.Question) {
	bare := make([]string, len(q.Options))
	lettered := len(q.Options) > 0
	for i, o := range q.Options {
		n := label(o, byte('A'+i))
		lettered = lettered && n > 0 && n < len(o)
		bare[i] = strings.TrimSpace(o[n:])
	}
	right := Choice(q.Options, q.CorrectAnswer)
	if lettered {
		q.Options = bare
	}
	if right < 0 {
		right = Choice(q.Options, q.CorrectAnswer)
	}
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

// dropSurplus drops the last wrong options that may be dropped, until there are four options.
func dropSurplus(options []string, answer string, may func(i int) bool) []string {
	kept := slices.Clone(options)
	for i := len(options) - 1; i >= 0 && len(kept) > study.ChoiceOptions; i-- {
		if options[i] != answer && may(i) {
			kept = slices.Delete(kept, i, i+1)
		}
	}
	return kept
}

// Choice is the index of the option that an answer names: by its text, in other case or with a
// full stop, by its letter, with or without the text, or by its index from 0; -1 if that is
// not clear.
func Choice(options []string, answer any) int {
	switch answer := answer.(type) {
	case float64:
		if i := int(answer); float64(i) == answer && i >= 0 && i < len(options) {
			return i
		}
	case string:
		if i := only(options, func(o string) bool { return o == answer }); i >= 0 {
			return i
		}
		if i := only(options, func(o string) bool { return plain(o) == plain(answer) }); i >= 0 {
			return i
		}
		if i := byLabel(options, answer); i >= 0 {
			return i
		}
		if i, err := strconv.Atoi(strings.TrimSpace(answer)); err == nil && i >= 0 && i < len(options) {
			return i
		}
	}
	return -1
}

// byLabel is the option that an answer like "B", "B) text" or "Option b" names. A text beside
// the letter must be the option's.
func byLabel(options []string, answer string) int {
	answer = strings.TrimSpace(answer)
	if rest, ok := cutFold(answer, "option"); ok {
		answer = strings.TrimSpace(rest)
	}
	for i, o := range options {
		letter := byte('A' + i)
		if len(answer) == 1 && strings.EqualFold(answer, string(letter)) {
			return i
		}
		n := label(answer, letter)
		if n == 0 {
			continue
		}
		text := plain(answer[n:])
		if text == "" || text == plain(o) || text == plain(o[label(o, letter):]) {
			return i
		}
	}
	return -1
}

// label is the length of a label such as "A)", "(A)", "A." or "A:" at the beginning of s; 0 if there is none.
func label(s string, letter byte) int {
	rest := strings.TrimLeft(s, " (")
	if len(rest) < 2 || !strings.EqualFold(rest[:1], string(letter)) || !strings.ContainsAny(rest[1:2], ").:") {
		return 0
	}
	return len(s) - len(rest) + 2
}

// only is the index of the one option that fits; -1 if none does, or several.
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

// plain is a text without case, outer punctuation and doubled spaces.
func plain(s string) string {
	return strings.ToLower(strings.Trim(strings.Join(strings.Fields(s), " "), ` .;:"'`))
}

func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

func repairBoolean(q *study.Question) {
	q.Options = nil
	if answer, ok := Boolean(q.CorrectAnswer); ok {
		q.CorrectAnswer = answer
	}
}

// Boolean reads a boolean that may be written as a word or a number.
func Boolean(answer any) (value, ok bool) {
	switch answer := answer.(type) {
	case bool:
		return answer, true
	case string:
		switch plain(answer) {
		case "true", "t", "yes", "right", "correct", "1":
			return true, true
		case "false", "f", "no", "wrong", "incorrect", "0":
			return false, true
		}
	case float64:
		return answer == 1, answer == 0 || answer == 1
	}
	return false, false
}

// repairShortAnswer finds the answer in the field that another kind of question has it in.
func repairShortAnswer(q *study.Question, exam bool) {
	q.Options = nil
	answer := q.SampleAnswer
	switch given := q.CorrectAnswer.(type) {
	case string:
		answer = firstText(answer, given)
	case float64:
		answer = firstText(answer, strconv.FormatFloat(given, 'g', -1, 64))
	}
	if len(q.AcceptableAnswers) > 0 {
		answer = firstText(answer, q.AcceptableAnswers[0])
	}
	if strings.TrimSpace(answer) == "" {
		return
	}
	q.CorrectAnswer = nil
	if !exam {
		if len(q.AcceptableAnswers) == 0 {
			q.AcceptableAnswers = []string{answer}
		}
		return
	}
	q.SampleAnswer = answer
	if strings.TrimSpace(q.Rubric) == "" {
		q.Rubric = "Full points for: " + answer
	}
}

func firstText(a, b string) string {
	if strings.TrimSpace(a) != "" {
		return a
	}
	return b
}
