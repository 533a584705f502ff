package lists

import (
	"slices"
	"strings"
)

// Labels of questions and answers, in lower case: English, German, French, Spanish.
var (
	questionLabels = []string{"q", "question", "frage", "f", "pregunta", "p"}
	answerLabels   = []string{"a", "answer", "ans", "antwort", "réponse", "reponse", "r", "respuesta"}
)

// labelled returns what follows a label such as "Q:", "Q1.", "Question 3:" or "A)"; ok is false if
// the line has none of the labels.
func labelled(line string, labels []string) (rest string, ok bool) {
	at := strings.IndexAny(line, ":.)")
	if at < 1 || at > 14 || at+1 < len(line) && line[at+1] != ' ' {
		return "", false
	}
	label := strings.TrimRight(strings.ToLower(line[:at]), "0123456789 #")
	if !slices.Contains(labels, label) || line[at] != ':' && len(label) == 1 && strings.TrimRight(line[:at], "0123456789") == line[:at] {
		return "", false // "A. Smith"
	}
	return strings.TrimSpace(line[at+1:]), true
}

// answers reads questions that are followed by their answers: with labels, numbered, or in
// alternating lines. Without labels there must be two.
func (r *reader) answers(i int) ([]Card, int) {
	var cards []Card
	sure := false
	next := i
	for next < len(r.lines) {
		c, labels, after := r.answerAt(next)
		if after == next {
			break
		}
		cards, sure, next = append(cards, c), sure || labels, after
		for r.blank(next) {
			next++
		}
	}
	if len(cards) == 0 || !sure && len(cards) < 2 {
		return nil, i
	}
	return cards, next
}

// answerAt reads the question at line i with its answer; next is i if there is none.
func (r *reader) answerAt(i int) (c Card, labels bool, next int) {
	question, labels := labelled(strings.TrimSpace(r.lines[i]), questionLabels)
	if !labels {
		if question, labels = labelled(r.flat(i), questionLabels); !labels {
			question = r.flat(i)
		}
	}
	answer := ""
	if at := strings.Index(question, "? "); at > 0 { // answer on the same line
		if rest, ok := labelled(strings.TrimSpace(question[at+1:]), answerLabels); ok {
			question, answer, labels = question[:at+1], rest, true
		}
	}
	if !labels && !endsAsQuestion(question) {
		return c, false, i
	}
	next = i + 1
	if answer == "" {
		answer, next = r.answerLines(i+1, labels)
	}
	c, ok := newCard(Question, question, answer, question+" "+answer)
	if !ok {
		return c, false, i
	}
	return c, labels, next
}

func endsAsQuestion(s string) bool {
	return strings.HasSuffix(s, "?") || strings.HasSuffix(s, "？")
}

// answerLines joins the lines of the answer that begins at line i, or after blank lines.
func (r *reader) answerLines(i int, mustLabel bool) (answer string, next int) {
	for r.blank(i) {
		i++
	}
	var parts []string
	for ; i < len(r.lines) && !r.blank(i); i++ {
		raw := strings.TrimSpace(r.lines[i])
		flat := r.flat(i)
		rest, hasLabel := labelled(flat, answerLabels)
		_, isQuestion := labelled(raw, questionLabels)
		switch {
		case raw[0] == '#', isQuestion, len(parts) > 0 && (hasLabel || endsAsQuestion(flat) || numberMark(raw) > 0):
			return strings.Join(parts, " "), i
		case len(parts) == 0 && (endsAsQuestion(flat) || mustLabel && !hasLabel):
			return "", i
		case hasLabel:
			parts = append(parts, rest)
		default:
			parts = append(parts, strings.TrimPrefix(strings.TrimPrefix(flat, "→ "), "-> "))
		}
	}
	return strings.Join(parts, " "), i
}
