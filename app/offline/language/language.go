// Package language detects the language of a text, and has the engine's own phrases in the four
// languages that it supports. Its main idea: a language is recognised by its most frequent short
// words; a text without them, such as terse notes, counts as English.
package language

import (
	"strings"
	"sync"
	"unicode"
)

// A Language has the engine's phrases and rules for a language.
type Language struct {
	Name     string // in English
	Unspaced bool   // written without spaces between words

	Complete string   // opens a gap text
	Says     string   // opens an answer from the material
	Under    string   // the same, with %s for a heading
	Unknown  string   // the material has no answer
	Truth    string   // opens a statement to judge
	Points   string   // opens an overview, with %s for the title
	articles []string // words that a noun follows; nil if unknown
	nouns    bool     // writes nouns with capitals
	filler   string   // nouns without a meaning of their own

	words string // its most frequent words
}

// English is the language of texts in which no other language is recognised.
var English = &Language{Name: "English", Complete: "Complete: ", Says: "Your material says: ", Under: "Your material says (under “%s”): ",
	Unknown: "I cannot find an answer to that in your material.", Truth: "True or false: ", Points: "The main points of “%s”:",
	words: "the of and to in is that for it as was with be by on are this from or an which at not"}

var spoken = []*Language{
	English,
	{Name: "German", Complete: "Ergänze: ", Says: "In deinem Text steht: ", Under: "In deinem Text steht (unter „%s“): ",
		Unknown: "Darauf finde ich in deinem Text keine Antwort.", Truth: "Richtig oder falsch: ", Points: "Das Wichtigste aus „%s“:", nouns: true,
		filler: " gegensatz beispiel fall art teil weise grund folge vergleich ergebnis verlauf jahr jahre zeit form rolle anzahl ",
		words:  "der das und ist von den mit des dem nicht ein eine auf für werden wird sich im auch zu bei oder sind durch"},
	{Name: "Spanish", Complete: "Completa: ", Says: "Tu material dice: ", Under: "Tu material dice (en «%s»): ",
		Unknown: "No encuentro una respuesta a eso en tu material.", Truth: "Verdadero o falso: ", Points: "Lo principal de «%s»:",
		articles: []string{"el", "la", "los", "las", "un", "una", "del", "al"},
		filler:   " ejemplo caso parte vez forma manera hecho año años tiempo lugar través ",
		words:    "el la que y en los del se las por un para con una su al es lo como más fue también entre"},
	{Name: "French", Complete: "Complète : ", Says: "Ton texte dit : ", Under: "Ton texte dit (sous « %s ») : ",
		Unknown: "Je ne trouve pas de réponse à cela dans ton texte.", Truth: "Vrai ou faux : ", Points: "L’essentiel de « %s » :",
		articles: []string{"le", "la", "les", "l'", "l’", "un", "une", "du", "des", "au", "aux", "d'", "d’"},
		filler:   " exemple cas fait partie lieu temps fin suite façon manière année années fois ",
		words:    "le la les de des et est un une du en que qui dans par sur au pas ce il sont avec se aux cette"},
	named("Italian", false, "il di che la e un per è una del con le si da al della sono non gli nel alla più dei"),
	named("Portuguese", false, "de o que e da em um para é com não uma os se na por mais dos foi ao das são"),
	named("Dutch", false, "de het een en van dat op te zijn met voor niet aan er wordt ook als bij worden"),
}

// named returns a language for which the engine uses English phrases.
func named(name string, unspaced bool, words string) *Language {
	l := *English
	l.Name, l.Unspaced, l.words = name, unspaced, words
	return &l
}

// scripts identify a language, or a group of languages.
var scripts = []struct {
	table    *unicode.RangeTable
	language *Language
}{
	{unicode.Hiragana, named("Japanese", true, "")}, {unicode.Katakana, named("Japanese", true, "")},
	{unicode.Han, named("Chinese", true, "")}, {unicode.Hangul, named("Korean", false, "")}, {unicode.Thai, named("Thai", true, "")},
	{unicode.Cyrillic, named("a language in Cyrillic script", false, "")}, {unicode.Arabic, named("a language in Arabic script", false, "")},
	{unicode.Greek, named("Greek", false, "")}, {unicode.Hebrew, named("Hebrew", false, "")}, {unicode.Devanagari, named("a language in Devanagari script", false, "")},
}

// maxSample bounds the part of a text that is examined, in bytes.
const maxSample = 20_000

// Detect returns the language of a text.
func Detect(text string) *Language {
	sample := text[:min(len(text), maxSample)]
	if l := byScript(sample); l != nil {
		return l
	}
	scores := make([]int, len(spoken))
	for w := range strings.FieldsFuncSeq(strings.ToLower(sample), func(r rune) bool { return !unicode.IsLetter(r) }) {
		for _, i := range frequent()[w] {
			scores[i]++
		}
	}
	best, most := English, scores[0]*3/2+2 // clear evidence is needed
	for i, n := range scores[1:] {
		if n > most {
			best, most = spoken[1+i], n
		}
	}
	return best
}

// frequent maps each of the most frequent words to its languages, as indices into spoken.
var frequent = sync.OnceValue(frequentWords)

func frequentWords() map[string][]int {
	m := make(map[string][]int)
	for i, l := range spoken {
		for w := range strings.FieldsSeq(l.words) {
			m[w] = append(m[w], i)
		}
	}
	return m
}

// byScript returns the language of a text that is mostly in a script other than Latin, or nil.
func byScript(sample string) *Language {
	letters := 0
	counts := make([]int, len(scripts))
	for _, r := range sample {
		if r < 0x370 || !unicode.IsLetter(r) {
			if unicode.IsLetter(r) {
				letters++
			}
			continue
		}
		letters++
		for i, s := range scripts {
			if unicode.Is(s.table, r) {
				counts[i]++
				break
			}
		}
	}
	best := 0
	for i, n := range counts {
		if n > counts[best] {
			best = i
		}
	}
	if kana := counts[0] + counts[1]; counts[best]*3 < letters || counts[best] == 0 {
		return nil
	} else if best == 2 && kana*10 > counts[2] {
		best = 0
	}
	return scripts[best].language
}

// Warning returns a message about the limits for texts in a language; "" for English.
func (l *Language) Warning() string {
	switch {
	case l == English:
		return ""
	case l.nouns || l.articles != nil:
		return l.Name + ": lists and gaps on nouns only"
	default:
		return "this text seems to be in " + l.Name + ": only lists and gaps on repeated words"
	}
}

// IsFrequent reports whether a lower-case word is one of the most frequent of the language.
func (l *Language) IsFrequent(word string) bool {
	return strings.Contains(" "+l.words+" ", " "+word+" ")
}

// IsFrequent reports whether a lower-case word is one of the most frequent of any language.
func IsFrequent(word string) bool {
	return len(frequent()[word]) > 0
}

// KnowsNouns reports whether IsNoun can recognise nouns in this language.
func (l *Language) KnowsNouns() bool { return l.nouns || l.articles != nil }

// IsNoun reports whether a word is a noun, given the word before it ("" at the start of a
// sentence).
func (l *Language) IsNoun(word, before string) bool {
	r := []rune(word)
	if len(r) < 4 || strings.Contains(l.filler, " "+strings.ToLower(word)+" ") {
		return false
	}
	if l.nouns {
		return before != "" && unicode.IsUpper(r[0])
	}
	for _, a := range l.articles {
		if strings.EqualFold(before, a) {
			return true
		}
	}
	return false
}
