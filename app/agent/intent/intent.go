// Package intent tells which study aid, if any, a chat message asks for. The one
// idea: only a clause that has the form of a request is one. Its words must be, in
// order, polite words that may lead in, a verb of making, words that may stand
// before the thing, and the thing itself, followed by nothing that makes it another
// thing ("quiz app", "exam results"). Everything else is conversation: a chat that
// is answered as a chat disappoints nobody, a quiz nobody asked for does.
//
// It reads English only; a message in another language stays a chat.
package intent

import (
	"cmp"
	"strconv"
	"strings"
	"unicode"

	"studysharper/app/study"
)

// spellings brings the ways a word is written down to one.
var spellings = strings.NewReplacer("tl;dr", "tldr", "’", "'", "flash card", "flashcard", "flash-card", "flashcard")

// maxClauses bounds how far into a message a request is looked for: what follows
// is taken for pasted text.
const maxClauses = 12

// Of gives the type that a message asks for, and how many items it names; 0 is
// none. It is pure, and looks at the first clauses of the message only.
func Of(message string) (t study.Type, count int) {
	for _, clause := range clauses(message) {
		if t, count := request(clause); t != study.Chat {
			return t, min(count, study.MaxItems)
		}
	}
	return study.Chat, 0
}

// clauses splits the head of a message at punctuation, each clause into lower-case words.
func clauses(message string) [][]string {
	message = spellings.Replace(strings.ToLower(clip(message, 2000)))
	var out [][]string
	for part := range strings.FieldsFuncSeq(message, func(r rune) bool { return strings.ContainsRune(".,;:!?\n()\"–—", r) }) {
		words := strings.FieldsFunc(part, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\''
		})
		if len(words) > 0 {
			out = append(out, words)
		}
		if len(out) == maxClauses {
			break
		}
	}
	return out
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// request tries each form of a request on one clause.
func request(words []string) (study.Type, int) {
	words = afterLeadIn(words)
	if len(words) == 0 {
		return study.Chat, 0
	}
	for _, form := range forms {
		if t, count := form(words); t != study.Chat {
			return t, count
		}
	}
	return study.Chat, 0
}

// forms are the shapes a request may have, the surest first.
var forms = []func([]string) (study.Type, int){direct, turnInto, makeThing, bareThing}

// afterLeadIn drops the polite words a request may begin with.
func afterLeadIn(words []string) []string {
	for {
		rest := afterPhrase(words, leadIns)
		if len(rest) == len(words) {
			return words
		}
		words = rest
	}
}

// afterPhrase drops the longest of the phrases that words begins with.
func afterPhrase(words []string, phrases []pattern) []string {
	longest := 0
	for _, p := range phrases {
		longest = max(longest, p.match(words))
	}
	return words[longest:]
}

// direct knows verbs that are the request themselves: "quiz me", "summarise this".
func direct(words []string) (study.Type, int) {
	for _, d := range directs {
		n := d.phrase.match(words)
		if n == 0 || ofLife(words[n:]) {
			continue
		}
		_, count := skipFillers(words[n:])
		return d.t, count
	}
	return study.Chat, 0
}

// turnInto knows "turn … into flashcards", whatever stands between.
func turnInto(words []string) (study.Type, int) {
	if !transforms[words[0]] {
		return study.Chat, 0
	}
	for i, w := range words {
		if w == "into" {
			return thing(words[i+1:])
		}
	}
	return study.Chat, 0
}

// makeThing knows "make me 10 flashcards", "I need a summary".
func makeThing(words []string) (study.Type, int) {
	rest := afterPhrase(words, verbs)
	if len(rest) == len(words) {
		return study.Chat, 0
	}
	return thing(rest)
}

// bareThing knows "flashcards on mitosis" and "10 practice questions": the thing
// without a verb, counted or with what it shall be about. An exam must be a practice
// one or be counted, for "exam on algebra" may tell of one to come.
func bareThing(words []string) (study.Type, int) {
	th, n, count := thingAt(words)
	if th.phrase == nil || th.plain || n == len(words) && count == 0 {
		return study.Chat, 0
	}
	rest := words[n:]
	if len(rest) > 0 && !th.whole && (!subjects[rest[0]] || isWhen(rest[1:])) {
		return study.Chat, 0
	}
	if th.t == study.Exam && !rehearsals[words[0]] && count == 0 {
		return study.Chat, 0
	}
	return th.t, count
}

func thing(words []string) (study.Type, int) {
	th, _, count := thingAt(words)
	if th.phrase == nil {
		return study.Chat, 0
	}
	return th.t, count
}

// thingAt finds a thing at the start of words, behind words that may stand before
// it; n is how many words it took.
func thingAt(words []string) (th name, n, count int) {
	skipped, count := skipFillers(words)
	for at := 0; at <= skipped; at++ { // a filler may begin the name: "practice exam"
		for _, th := range things {
			size := th.phrase.match(words[at:])
			rest := words[at+size:]
			if size > 0 && (th.whole || goesOn(rest)) && !ofLife(rest) {
				return th, at + size, cmp.Or(count, countBehind(rest))
			}
		}
	}
	return name{}, 0, 0
}

// countBehind is the number in what follows a thing: "with 20 hard questions".
func countBehind(rest []string) int {
	for i, w := range rest {
		if w != "with" {
			continue
		}
		n, count := skipFillers(rest[i+1:])
		if at := i + 1 + n; at < len(rest) && counted[rest[at]] || at > i+1 && counted[rest[at-1]] {
			return count
		}
	}
	return 0
}

// goesOn reports whether a thing may be followed by rest.
func goesOn(rest []string) bool {
	if len(rest) == 0 {
		return true
	}
	return followers[rest[0]] && (len(rest) == 1 || !languages[rest[1]])
}

// skipFillers counts the words that may stand before a thing, and reads a number
// among them.
func skipFillers(words []string) (n, count int) {
	for n < len(words) {
		if c := number(words[n]); c > 0 {
			if n+1 == len(words) || !units[words[n+1]] {
				count = c
			}
		} else if !fillers[words[n]] {
			break
		}
		n++
	}
	return n, count
}

func number(word string) int {
	if c, ok := numbers[word]; ok {
		return c
	}
	if c, err := strconv.Atoi(word); err == nil && len(word) <= 3 && c > 0 {
		return c
	}
	return 0
}

// ofLife reports whether what follows speaks of the student's life, not of study matter.
func ofLife(rest []string) bool {
	for i, w := range rest[:min(len(rest), 5)] {
		if lately[w] || possessives[w] && i+1 < len(rest) && life[rest[i+1]] {
			return true
		}
	}
	return false
}

func isWhen(rest []string) bool { return len(rest) > 0 && whens[rest[0]] }
