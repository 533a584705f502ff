package lists

import (
	"slices"
	"strings"
)

// Labels of questions and answers, in lower case, of several languages.
var (
	questionLabels = []string{"q", "question", "frage", "f", "pregunta", "p", "domanda", "d", "pergunta", "vraag", "v", "вопрос", "问", "問"}
	answerLabels   = []string{"a", "answer", "ans", "antwort", "réponse", "reponse", "r", "respuesta", "risposta", "resposta", "antwoord", "ответ", "答"}
)

// maxLabel bounds a label, in bytes.
const maxLabel = 20

// labelled returns the text after a label such as "Q:", "Q1.", "Question 3:", "Q -" or "A)". It returns
// ok = false if the line has none of the labels. A letter with a full stop ("A. Smith") is a label only if dotted.
func labelled(line string, labels []string, dotted bool) (rest string, ok bool) {
	at, size := -1, 1
	head := line[:min(len(line), maxLabel+len(" – "))]
	for _, end := range []string{":", "：", ".", ")", " - ", " – "} {
		if i := strings.Index(head, end); i > 0 && (at < 0 || i < at) {
			at, size = i, len(end)
		}
	}
	if at < 0 || at > maxLabel || size == 1 && at+1 < len(line) && line[at+1] != ' ' {
		return "", false
	}
	label := strings.TrimRight(strings.ToLower(line[:at]), "0123456789 #")
	if !slices.Contains(labels, label) || !dotted && strings.ContainsAny(line[at:at+1], ".)") && len(label) == 1 && len(line[:at]) == 1 {
		return "", false
	}
	return strings.TrimSpace(line[at+size:]), true
}

// isQuestion returns the question after its label.
func isQuestion(line string) (rest string, ok bool) {
	return labelled(line, questionLabels, line != "" && line[0]|0x20 == 'q')
}

// answers reads questions that are followed by their answers: with labels, numbered, or in
// alternating lines. Without labels there must be at least two.
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

// answerAt reads the question at line i with its answer. It returns next = i if there is no question.
func (r *reader) answerAt(i int) (c Card, labels bool, next int) {
	raw := strings.TrimLeft(r.lines[i], "# \t")
	flat := strings.TrimSpace(itemText(raw))
	question, labels := isQuestion(raw)
	if !labels {
		if question, labels = isQuestion(flat); !labels {
			question = flat
		}
	}
	answer := ""
	if head, tail, ok := strings.Cut(question, "? "); ok { // answer on the same line
		tail = strings.TrimSpace(tail)
		if rest, ok := labelled(tail, answerLabels, true); ok {
			question, answer, labels = head+"?", rest, true
		} else if rest := strings.TrimLeft(tail, "–—-:=→> "); (raw != flat || rest != tail) && !strings.Contains(rest, "?") {
			question, answer = head+"?", rest
		}
	}
	if labels && answer == "" {
		question, answer = cutAnswer(question)
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
	begun := false // the label of the answer was read
	for ; i < len(r.lines) && !r.blank(i); i++ {
		raw, flat := strings.TrimSpace(r.lines[i]), r.flat(i)
		rest, hasLabel := labelled(flat, answerLabels, mustLabel && !begun)
		if !begun && len(parts) == 0 && (endsAsQuestion(flat) || mustLabel && !hasLabel) || r.endsAnswer(raw, flat, parts, hasLabel) {
			break
		}
		if !hasLabel {
			rest = answerPart(flat, begun && flat != raw)
		}
		if rest != "" { // otherwise the answer is below its label
			parts = append(parts, rest)
		}
		begun = begun || hasLabel
	}
	return joinAnswer(parts), i
}

// answerPart returns a line of an answer, which ends in a semicolon if it is an item.
func answerPart(flat string, item bool) string {
	flat = strings.TrimPrefix(strings.TrimPrefix(flat, "→ "), "-> ")
	if item {
		return flat + ";"
	}
	return flat
}

// endsAnswer reports whether the line after the parts of an answer belongs to the next question, or has its own label.
func (r *reader) endsAnswer(raw, flat string, parts []string, hasLabel bool) bool {
	if _, next := isQuestion(raw); next || raw[0] == '#' {
		return true
	}
	return len(parts) > 0 && (hasLabel || endsAsQuestion(flat) || numberMark(raw) > 0 && !strings.HasSuffix(parts[len(parts)-1], ";"))
}

// joinAnswer joins the lines of an answer and removes the semicolon of the last item.
func joinAnswer(parts []string) string { return strings.TrimSuffix(strings.Join(parts, " "), ";") }

// cutAnswer splits "Define osmosis A: movement of water" before the label of the answer.
func cutAnswer(question string) (string, string) {
	for at, r := range question {
		if r != ' ' {
			continue
		}
		if rest, ok := labelled(question[at+1:], answerLabels, false); ok && strings.Contains(question[at+1:min(len(question), at+12)], ":") {
			return question[:at], rest
		}
	}
	return question, ""
}
