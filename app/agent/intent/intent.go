// Package intent determines which study aid, if any, a chat message asks for. The one idea: only a clause that has the
// form of a request counts as one. It must consist of, in this order, polite lead-in words, a verb of making, words
// that may precede the thing, and the thing itself, followed by nothing that makes it another thing ("quiz app", "exam
// results"). Everything else is conversation: an unwanted quiz disappoints a student, a chat answer does not.
//
// It understands English only; a message in another language stays a chat.
package intent

import (
	"cmp"
	"strconv"
	"strings"
	"unicode"

	"studysharper/app/study"
)

// spellings maps different spellings of a word to one.
var spellings = strings.NewReplacer("tl;dr", "tldr", "’", "'", "flash card", "flashcard", "flash-card", "flashcard")

// maxClauses limits how far into a message a request is searched; the rest is assumed to be pasted text.
const maxClauses = 12

// Of returns the type that a message asks for, and the number of items that it names, or 0. It is pure and reads only
// the first clauses of the message.
func Of(message string) (t study.Type, count int) {
	for _, clause := range clauses(message) {
		if t, count := request(clause); t != study.Chat {
			return t, min(count, study.MaxItems)
		}
	}
	return study.Chat, 0
}

// clauses splits the beginning of a message at punctuation, and each clause into lower-case words.
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

// request tries each form of a request on a clause.
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

// forms are the forms of a request, the most certain first.
var forms = []func([]string) (study.Type, int){direct, turnInto, makeThing, bareThing}

// afterLeadIn removes the polite words at the beginning of a request.
func afterLeadIn(words []string) []string {
	for {
		rest := afterPhrase(words, leadIns)
		if len(rest) == len(words) {
			return words
		}
		words = rest
	}
}

// afterPhrase removes the longest of the phrases that words begin with.
func afterPhrase(words []string, phrases []pattern) []string {
	longest := 0
	for _, p := range phrases {
		longest = max(longest, p.match(words))
	}
	return words[longest:]
}

// direct recognizes verbs that are requests in themselves: "quiz me", "summarise this".
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

// turnInto recognizes "turn … into flashcards", with any words in between.
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

// makeThing recognizes "make me 10 flashcards" and "I need a summary".
func makeThing(words []string) (study.Type, int) {
	rest := afterPhrase(words, verbs)
	if len(rest) == len(words) {
		return study.Chat, 0
	}
	return thing(rest)
}

// bareThing recognizes "flashcards on mitosis" and "10 practice questions": the thing without a verb, with a number or
// a subject. For an exam, the word "practice" (or a synonym) or a number is required, because "exam on algebra" may be
// about a coming exam.
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

// thingAt finds a thing at the beginning of words, after words that may precede it; n is the number of words matched.
func thingAt(words []string) (th name, n, count int) {
	skipped, count := skipFillers(words)
	for at := 0; at <= skipped; at++ { // a filler may begin the name: "practice exam"
		for _, th := range things {
			size := th.phrase.match(words[at:])
			rest := words[at+size:]
			if size > 0 && (th.whole || mayFollow(rest)) && !ofLife(rest) {
				return th, at + size, cmp.Or(count, countAfter(rest))
			}
		}
	}
	return name{}, 0, 0
}

// countAfter returns the number in the words after a thing: "with 20 hard questions".
func countAfter(rest []string) int {
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

// mayFollow reports whether rest may follow the name of a thing.
func mayFollow(rest []string) bool {
	if len(rest) == 0 {
		return true
	}
	return followers[rest[0]] && (len(rest) == 1 || !languages[rest[1]])
}

// skipFillers counts the words that may precede a thing, and reads a number among them.
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

// ofLife reports whether the words after a thing are about the student's life instead of study matter.
func ofLife(rest []string) bool {
	for i, w := range rest[:min(len(rest), 5)] {
		if lately[w] || possessives[w] && i+1 < len(rest) && life[rest[i+1]] {
			return true
		}
	}
	return false
}

func isWhen(rest []string) bool { return len(rest) > 0 && whens[rest[0]] }
