// Package language tells which language a text is in, and has the engine's own words in the four
// languages that it speaks. The one idea: a language is known by its most frequent short words; a
// text without them, such as terse notes, counts as English.
package language

import (
	"strings"
	"unicode"
)

// A Language is what the engine knows of a language.
type Language struct {
	Name     string // in English
	Unspaced bool   // written without spaces between words

	Complete string   // opens a gap text
	Says     string   // opens an answer from the material
	Under    string   // the same, with %s for a heading
	Unknown  string   // the material has no answer
	Truth    string   // opens a statement to judge
	Points   string   // opens an overview, with %s for the title
	articles []string // words after which a noun follows; none: unknown
	nouns    bool     // writes nouns with capitals

	words string // its most frequent words
}

// English is the language of texts that no other one is recognised in.
var English = &Language{Name: "English", Complete: "Complete: ", Says: "Your material says: ", Under: "Your material says (under “%s”): ",
	Unknown: "I cannot find an answer to that in your material.", Truth: "True or false: ", Points: "The main points of “%s”:",
	words: "the of and to in is that for it as was with be by on are this from or an which at not"}

var spoken = []*Language{
	English,
	{Name: "German", Complete: "Ergänze: ", Says: "In deinem Text steht: ", Under: "In deinem Text steht (unter „%s“): ",
		Unknown: "Darauf finde ich in deinem Text keine Antwort.", Truth: "Richtig oder falsch: ", Points: "Das Wichtigste aus „%s“:", nouns: true,
		words: "der die das und ist von den mit des dem nicht ein eine auf für werden wird sich im als auch es zu bei oder sind durch"},
	{Name: "Spanish", Complete: "Completa: ", Says: "Tu material dice: ", Under: "Tu material dice (en «%s»): ",
		Unknown: "No encuentro una respuesta a eso en tu material.", Truth: "Verdadero o falso: ", Points: "Lo principal de «%s»:",
		articles: []string{"el", "la", "los", "las", "un", "una", "del", "al"},
		words:    "el la de que y en los del se las por un para con una su al es lo como más o son fue también entre"},
	{Name: "French", Complete: "Complète : ", Says: "Ton texte dit : ", Under: "Ton texte dit (sous « %s ») : ",
		Unknown: "Je ne trouve pas de réponse à cela dans ton texte.", Truth: "Vrai ou faux : ", Points: "L’essentiel de « %s » :",
		articles: []string{"le", "la", "les", "l'", "l’", "un", "une", "du", "des", "au", "aux", "d'", "d’"},
		words:    "le la les de des et est un une du en que qui dans pour par sur au pas plus ce il sont avec se aux cette"},
	{Name: "Italian", words: "il di che la e un per è in una del con le si da al della sono i non come gli nel alla più dei"},
	{Name: "Portuguese", words: "de a o que e do da em um para é com não uma os no se na por mais as dos como foi ao das são"},
	{Name: "Dutch", words: "de het een en van in is dat op te zijn met voor die niet aan er door wordt ook als bij worden of"},
}

func init() {
	for _, l := range spoken {
		if l.Complete == "" {
			l.speak()
		}
	}
	for i := range scripts {
		scripts[i].language.speak()
	}
}

// speak lets a language use English words.
func (l *Language) speak() {
	l.Complete, l.Says, l.Under, l.Unknown, l.Truth, l.Points = English.Complete, English.Says, English.Under, English.Unknown, English.Truth, English.Points
}

// scripts are those by which a language, or a group of them, is known.
var scripts = []struct {
	table    *unicode.RangeTable
	language *Language
}{
	{unicode.Hiragana, &Language{Name: "Japanese", Unspaced: true}}, {unicode.Katakana, &Language{Name: "Japanese", Unspaced: true}},
	{unicode.Han, &Language{Name: "Chinese", Unspaced: true}}, {unicode.Hangul, &Language{Name: "Korean"}}, {unicode.Thai, &Language{Name: "Thai", Unspaced: true}},
	{unicode.Cyrillic, &Language{Name: "a language in Cyrillic script"}}, {unicode.Arabic, &Language{Name: "a language in Arabic script"}},
	{unicode.Greek, &Language{Name: "Greek"}}, {unicode.Hebrew, &Language{Name: "Hebrew"}}, {unicode.Devanagari, &Language{Name: "a language in Devanagari script"}},
}

// maxSample bounds how much of a text is looked at, in bytes.
const maxSample = 20_000

// Detect returns the language of a text.
func Detect(text string) *Language {
	sample := text[:min(len(text), maxSample)]
	if l := byScript(sample); l != nil {
		return l
	}
	counts := make(map[string]int)
	for w := range strings.FieldsFuncSeq(strings.ToLower(sample), func(r rune) bool { return !unicode.IsLetter(r) }) {
		counts[w]++
	}
	score := func(l *Language) (n int) {
		for w := range strings.FieldsSeq(l.words) {
			n += counts[w]
		}
		return n
	}
	best, most := English, score(English)*3/2+2 // clear evidence is needed
	for _, l := range spoken[1:] {
		if n := score(l); n > most {
			best, most = l, n
		}
	}
	return best
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

// Warning says what is made of texts in a language; "" for English.
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

// KnowsNouns reports whether nouns can be told in this language.
func (l *Language) KnowsNouns() bool { return l.nouns || l.articles != nil }

// IsNoun reports whether a word is a noun, given the word before it ("" at the start of a
// sentence).
func (l *Language) IsNoun(word, before string) bool {
	r := []rune(word)
	if len(r) < 4 {
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
