package validate

import (
	"strconv"
	"strings"

	"studysharper/app/study"
)

// questionTypes maps the names that models give to question types, in lower case and without spaces, hyphens and
// underscores, to our types.
var questionTypes = map[string]string{
	"multiplechoice": study.MultipleChoice, "mcq": study.MultipleChoice, "mc": study.MultipleChoice, "choice": study.MultipleChoice,
	"singlechoice": study.MultipleChoice, "multiplechoicequestion": study.MultipleChoice,
	"truefalse": study.TrueFalse, "true/false": study.TrueFalse, "trueorfalse": study.TrueFalse, "tf": study.TrueFalse, "boolean": study.TrueFalse,
	"shortanswer": study.ShortAnswer, "short": study.ShortAnswer, "open": study.ShortAnswer, "openended": study.ShortAnswer,
	"freetext": study.ShortAnswer, "freeresponse": study.ShortAnswer, "essay": study.ShortAnswer, "shortanswerquestion": study.ShortAnswer,
}

// defaultPoints are the points of a question that has none.
var defaultPoints = map[string]int{study.MultipleChoice: 10, study.TrueFalse: 5, study.ShortAnswer: 10}

var unspaced = strings.NewReplacer(" ", "", "-", "", "_", "")

// repairQuestion repairs what needs no judgement: the name of the type, the points, and which option is the answer.
func repairQuestion(q *study.Question, exam bool) {
	bare, first := withoutLabels(q.Options)
	q.Options = bare
	known, ok := questionTypes[unspaced.Replace(strings.ToLower(strings.TrimSpace(q.Type)))]
	if !ok || known == study.MultipleChoice && (len(q.Options) == 0 || areBooleans(q.Options)) {
		known = typeOf(q)
	}
	q.Type = known
	if q.Points <= 0 {
		q.Points = defaultPoints[q.Type]
	}
	switch q.Type {
	case study.MultipleChoice:
		repairChoice(q, first)
	case study.TrueFalse:
		repairBoolean(q, first)
	case study.ShortAnswer:
		repairShortAnswer(q, exam)
	}
}

// typeOf returns the type of a question whose type is missing, unknown or wrong.
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

// plain returns a text in lower case, without outer punctuation and repeated spaces.
func plain(s string) string {
	return strings.ToLower(strings.Trim(strings.Join(strings.Fields(s), " "), ` .;:"'`))
}

// booleans are the words for true and false, including those of other languages.
var booleans = map[string]bool{
	"true": true, "t": true, "yes": true, "right": true, "correct": true, "1": true, "wahr": true, "richtig": true, "ja": true, "vrai": true, "oui": true,
	"verdadero": true, "sí": true, "vero": true, "sì": true, "verdadeiro": true, "waar": true, "prawda": true, "правда": true, "верно": true,
	"false": false, "f": false, "no": false, "wrong": false, "incorrect": false, "0": false, "falsch": false, "nein": false, "faux": false, "non": false,
	"falso": false, "onwaar": false, "fałsz": false, "ложь": false, "неверно": false,
}

// areBooleans reports whether the options are true and false.
func areBooleans(options []string) bool {
	if len(options) != 2 {
		return false
	}
	a, okA := booleans[plain(options[0])]
	b, okB := booleans[plain(options[1])]
	return okA && okB && a != b
}

// repairBoolean reads a boolean that was written as a word, a number, or a choice between two options.
func repairBoolean(q *study.Question, first byte) {
	if areBooleans(q.Options) {
		if i := meant(q, first); i >= 0 {
			q.CorrectAnswer = booleans[plain(q.Options[i])]
		}
	}
	q.Options = nil
	if value, ok := Boolean(q.CorrectAnswer); ok {
		q.CorrectAnswer = value
	}
}

// Boolean reads a boolean that may be written as a word or a number.
func Boolean(answer any) (value, ok bool) {
	switch answer := answer.(type) {
	case bool:
		return answer, true
	case string:
		value, ok = booleans[plain(answer)]
		return value, ok
	case float64:
		return answer == 1, answer == 0 || answer == 1
	default:
		return false, false
	}
}

// repairShortAnswer moves the answer to the right field if it is in the field of another question type.
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
		q.SampleAnswer = ""
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
