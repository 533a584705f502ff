package export

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"

	"studysharper/app/study"
)

// giftEscapes escapes the characters with a special meaning in GIFT, including line breaks.
var giftEscapes = strings.NewReplacer(`\`, `\\`, "#", `\#`, "=", `\=`, "~", `\~`, "{", `\{`, "}", `\}`, ":", `\:`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`)

// writeGIFT writes questions for Moodle. GIFT cannot represent points.
func writeGIFT(w io.Writer, d document) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "// %s\n\n$CATEGORY: $course$/top/%s\n\n", d.title, giftCategory(d.title))
	number := 0
	for _, p := range d.parts {
		for _, q := range p.Questions {
			number++
			fmt.Fprintf(out, "::%s::[html]%s {%s}\n\n", giftEscapes.Replace(giftName(number, q)), giftHTML(q.Question.Question), giftAnswer(q))
		}
	}
	return out.Flush()
}

// giftCategory returns a title as the name of a category, in which / separates levels.
func giftCategory(title string) string { return strings.ReplaceAll(title, "/", "//") }

// giftName returns the name by which Moodle lists a question.
func giftName(number int, q question) string {
	text := []rune(oneLine(q.Question.Question))
	if len(text) > 60 {
		text = append(text[:59], '…')
	}
	return fmt.Sprintf("%02d %s", number, string(text))
}

func giftHTML(text string) string { return giftEscapes.Replace(htmlOf(text)) }

// giftAnswer returns the text between the braces of a question.
func giftAnswer(q question) string {
	feedback := giftFeedback(q)
	switch right := q.CorrectAnswer.(type) {
	case bool:
		return map[bool]string{true: "T", false: "F"}[right] + feedback
	case string:
		if len(q.Options) > 1 {
			return giftChoice(q.Options, right) + feedback
		}
		if q.Type == study.ShortAnswer && len(q.AcceptableAnswers) == 0 {
			q.AcceptableAnswers = []string{right}
		}
	}
	if len(q.AcceptableAnswers) == 0 {
		return feedback // an essay
	}
	var out strings.Builder
	for _, answer := range q.AcceptableAnswers {
		out.WriteString("\n=" + giftShort(answer))
	}
	return out.String() + "\n" + feedback
}

func giftChoice(options []string, right string) string {
	var out strings.Builder
	marked := false
	for _, option := range options {
		text := giftHTML(option)
		if strings.HasPrefix(text, "[") { // otherwise it could be mistaken for the name of a format
			text = "[html]" + text
		}
		switch {
		case option == right && !marked:
			marked = true
			out.WriteString("\n=" + text)
		case weighed.MatchString(text):
			out.WriteString("\n~%0%" + text)
		default:
			out.WriteString("\n~" + text)
		}
	}
	return out.String() + "\n"
}

// weighed matches an answer that begins like one with a weight.
var weighed = regexp.MustCompile(`^%-*[0-9]{1,2}\.?[0-9]*%`)

// giftShort returns a short answer as plain text. "->" would make a question of matching pairs and cannot be escaped;
// it is replaced by "→". An unescaped * is a wildcard.
func giftShort(answer string) string {
	text := strings.ReplaceAll(strings.ReplaceAll(oneLine(answer), "->", "→"), "*", `\*`)
	text = giftEscapes.Replace(text)
	if weighed.MatchString(text) {
		return "%100%" + text
	}
	return text
}

// giftFeedback returns what Moodle shows after any answer: the explanation and, for an essay, the expected answer.
func giftFeedback(q question) string {
	var parts []string
	for _, p := range [][2]string{{"Sample answer: ", q.SampleAnswer}, {"Rubric: ", q.Rubric}, {"", q.Explanation}} {
		if text := strings.TrimSpace(p[1]); text != "" {
			parts = append(parts, giftHTML(p[0]+text))
		}
	}
	if source := sourceText(q.Source); source != "" {
		parts = append(parts, giftEscapes.Replace(escapeHTML("Source: "+source)))
	}
	if len(parts) == 0 {
		return ""
	}
	return "####" + strings.Join(parts, `<br>`) + "\n"
}
