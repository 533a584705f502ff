package export

import (
	"regexp"
	"strings"
	"testing"

	"studysharper/app/study"
)

// giftQuestion is a question as Moodle's importer reads it.
type giftQuestion struct {
	name, text, feedback string
	kind                 string // truefalse, multichoice, shortanswer, essay, match
	right, wrong         []string
}

var (
	giftWeight = regexp.MustCompile(`^%(-*[0-9]{1,2}\.?[0-9]*)%`)
	giftPlaces = []string{`\\`, "\x01", `\:`, "\x02", `\#`, "\x03", `\=`, "\x04", `\{`, "\x05", `\}`, "\x06", `\~`, "\x07", `\n`, "\x08"}
	giftSigns  = strings.NewReplacer("\x01", `\`, "\x02", ":", "\x03", "#", "\x04", "=", "\x05", "{", "\x06", "}", "\x07", "~", "\x08", "\n")
)

// readGIFT follows question/format/gift/format.php of Moodle: comments and categories are removed, escapes become
// placeholders, blank lines separate questions, and the remaining characters determine the type in Moodle's order.
func readGIFT(t *testing.T, text string) (questions []giftQuestion, category string) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "//"):
		case strings.HasPrefix(line, "$CATEGORY:"):
			category = strings.TrimSpace(strings.TrimPrefix(line, "$CATEGORY:"))
		default:
			lines = append(lines, line)
		}
	}
	for block := range strings.SplitSeq(strings.Join(lines, "\n"), "\n\n") {
		if strings.TrimSpace(block) != "" {
			questions = append(questions, readQuestion(t, strings.NewReplacer(giftPlaces...).Replace(strings.TrimSpace(block))))
		}
	}
	return questions, category
}

func readQuestion(t *testing.T, block string) (q giftQuestion) {
	t.Helper()
	rest, named := strings.CutPrefix(block, "::")
	name, rest, ended := strings.Cut(rest, "::")
	rest, html := strings.CutPrefix(rest, "[html]")
	text, answers, opened := strings.Cut(rest, "{")
	answers, after, closed := strings.Cut(answers, "}")
	if !named || !ended || !html || !opened || !closed || strings.TrimSpace(after) != "" || strings.ContainsAny(answers, "{") {
		t.Fatalf("not a question: %q", block)
	}
	q.name, q.text = giftSigns.Replace(name), giftSigns.Replace(strings.TrimSpace(text))
	if at := strings.LastIndex(answers, "####"); at >= 0 {
		q.feedback, answers = giftSigns.Replace(strings.TrimSpace(answers[at+4:])), answers[:at]
	}
	answers = strings.TrimSpace(answers)
	switch {
	case answers == "":
		q.kind = "essay"
	case strings.Contains(answers, "~"):
		q.kind = "multichoice"
		q.choices(strings.ReplaceAll(answers, "=", "~="))
	case strings.Contains(answers, "=") && strings.Contains(answers, "->"):
		q.kind = "match"
	case answers == "T" || answers == "F":
		q.kind, q.right = "truefalse", []string{answers}
	default:
		q.kind = "shortanswer"
		for _, a := range strings.Split(answers, "=")[1:] {
			if m := giftWeight.FindString(strings.TrimSpace(a)); m != "" && m != "%100%" {
				t.Errorf("%q has the weight %s", a, m)
			}
			q.right = append(q.right, giftSigns.Replace(strings.TrimPrefix(strings.TrimSpace(a), "%100%")))
		}
	}
	return q
}

func (q *giftQuestion) choices(text string) {
	for _, a := range strings.Split(text, "~")[1:] {
		a = strings.TrimSpace(a)
		if a == "" {
			continue
		}
		right, is := strings.CutPrefix(a, "=")
		if is {
			q.right = append(q.right, giftSigns.Replace(strings.TrimPrefix(right, "[html]")))
			continue
		}
		a = strings.TrimPrefix(a, giftWeight.FindString(a))
		q.wrong = append(q.wrong, giftSigns.Replace(strings.TrimPrefix(a, "[html]")))
	}
}

// nasty are texts that have another meaning in GIFT if they are not escaped.
var nasty = []string{
	"plain", "a = b ~ c # d : e", "{T}", `\frac{a}{b}`, "::name::", "// no comment", "$CATEGORY: x", "[markdown]text", "%50%half", "%-50% off",
	"T", "FALSE", "=right", "~wrong", "####feedback", "a -> b", "two\nlines", "two\n\nparagraphs", "back\\slash\\", "$x_{1}=2$", "日本語：＝", "100%", "#1822:5",
}

func TestEveryTextSurvivesGIFT(t *testing.T) {
	for _, text := range nasty {
		data := values{"quiz": values{"title": "T", "questions": []values{
			{"type": "multiple_choice", "question": text, "options": []string{"x " + text, text, text + " y", "z"}, "correct_answer": text, "explanation": text},
			{"type": "multiple_choice", "question": text, "options": []string{text, "r", text + " y", "z"}, "correct_answer": "r"},
			{"type": "true_false", "question": text, "correct_answer": false, "explanation": text},
			{"type": "short_answer", "question": text, "acceptable_answers": []string{"other", text}, "explanation": text},
		}}}
		questions, _ := readGIFT(t, string(written(t, content(t, study.Quiz, text, data), GIFT)))
		if len(questions) != 4 {
			t.Errorf("%q: %d questions", text, len(questions))
			continue
		}
		html := htmlOf(text)
		for i, kind := range []string{"multichoice", "multichoice", "truefalse", "shortanswer"} {
			if q := questions[i]; q.text != html || q.kind != kind || (q.feedback != html && i != 1) {
				t.Errorf("%q: %+v", text, q)
			}
		}
		choice, short := questions[0], questions[3]
		if len(choice.right) != 1 || choice.right[0] != html || len(choice.wrong) != 3 {
			t.Errorf("%q: %+v", text, choice)
		}
		if w := questions[1]; len(w.wrong) != 3 || w.wrong[0] != html {
			t.Errorf("%q: %+v", text, w)
		}
		if want := strings.ReplaceAll(oneLine(text), "->", "→"); len(short.right) != 2 || short.right[1] != want {
			t.Errorf("%q: %+v", text, short)
		}
	}
}

func TestAnExamBecomesGIFTWithEssays(t *testing.T) {
	c := content(t, study.Exam, "Physics / 1", values{"exam": values{"title": "P", "sections": []values{
		{"section_name": "A", "questions": []values{{"type": "true_false", "question": "1", "correct_answer": true}}},
		{"section_name": "B", "questions": []values{{"type": "short_answer", "question": "Explain", "sample_answer": "Because", "rubric": "2 points: why"}}},
	}}})
	questions, category := readGIFT(t, string(written(t, c, GIFT)))
	if len(questions) != 2 || category != "$course$/top/Physics // 1" {
		t.Fatalf("%+v in %q", questions, category)
	}
	if q := questions[1]; q.kind != "essay" || q.feedback != "Sample answer: Because<br>Rubric: 2 points: why" || !strings.HasPrefix(q.name, "02 Explain") {
		t.Errorf("%+v", q)
	}
	if q := questions[0]; q.kind != "truefalse" || q.right[0] != "T" {
		t.Errorf("%+v", q)
	}
}
