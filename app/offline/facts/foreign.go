package facts

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"studysharper/app/offline/english"
)

// readForeignCloze makes a cloze fact of a noun in a sentence that is not English. In languages
// without known nouns it uses words that the text repeats.
func (src *Source) readForeignCloze(i int) (Fact, bool) {
	s := src.Sentences[i].Text
	if len(s) < minBlanked || len(s) > maxBlanked || strings.HasSuffix(s, "?") || strings.HasSuffix(s, "？") || !endsSentence(s) {
		return Fact{}, false
	}
	term := src.chooseForeignGap(s)
	if term == "" {
		return Fact{}, false
	}
	gapped, shown := Blank(s, term)
	if strings.Count(gapped, "____") > 1 {
		return Fact{}, false
	}
	return Fact{Kind: Cloze, Question: src.Language.Complete + gapped, Answer: shown, Term: term}, true
}

func endsSentence(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(strings.TrimRight(s, "”»\")"))
	return strings.ContainsRune(".!。।۔…", r)
}

// chooseForeignGap returns the word to blank, or "".
func (src *Source) chooseForeignGap(s string) string {
	if src.Language.Unspaced {
		return src.chooseUnspacedGap(s)
	}
	best, top := "", 0.0
	before := ""
	for w := range strings.FieldsSeq(s) {
		if at := strings.IndexAny(w, "'’"); at > 0 && at < 3 {
			_, size := utf8.DecodeRuneInString(w[at:])
			before, w = w[:at+size], w[at+size:]
		}
		word := strings.TrimFunc(w, func(r rune) bool { return !unicode.IsLetter(r) })
		if score := 0.01*float64(utf8.RuneCountInString(word)) + src.Prominence(word); score > top && src.fitsForeignGap(word, before) && Find(s, word, 0) > 0 {
			best, top = word, score
		}
		if before = w; strings.ContainsAny(w, ".:") {
			before = ""
		}
	}
	return best
}

// fitsForeignGap reports whether a word can be a noun that is important in the text.
func (src *Source) fitsForeignGap(word, before string) bool {
	fits := src.Language.IsNoun(word, before)
	if !src.Language.KnowsNouns() {
		fits = before != "" && utf8.RuneCountInString(word) > 4
	}
	return fits && !strings.ContainsAny(word, "-/.'’(") && (len(src.Sentences) <= few || src.isRepeated(word, 2))
}

// chooseUnspacedGap returns a phrase between particles, in a script without spaces.
func (src *Source) chooseUnspacedGap(s string) string {
	for _, p := range src.Phrases() {
		if at := strings.Index(s, p); at >= 0 && src.isRepeated(p, 3) && english.IsWholeRun(s, at, at+len(p)) {
			return p
		}
	}
	return ""
}

// isRepeated reports whether the text uses a word at least so many times; for a short text, twice is enough.
func (src *Source) isRepeated(word string, least int) bool {
	n := 0
	if len(src.Sentences) <= few {
		least = min(least, 2)
	}
	for _, s := range src.Plain {
		if n += strings.Count(s, word); n >= least {
			return true
		}
	}
	return false
}
