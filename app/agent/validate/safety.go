package validate

import (
	"strings"
	"sync"

	"studysharper/app/study"
)

// The safety rules, by category. They check answers, never the student's question or the source text, and are written
// so that lessons in biology, history, law and medicine pass: they match an answer that instructs, urges or insults,
// not one that discusses a dark subject.
//
// A rule is a sequence of words: "a|b" matches either word, "~3" allows up to three other words between its neighbours,
// and "!a|b" at the beginning forbids these words immediately before the first word. Words are whole and in lower case;
// punctuation and line ends do not interrupt a sequence.
//
// The rules are deliberately coarse: they catch only texts that no study aid contains. A model's own refusals are the first
// safeguard, these rules are the last.
var safetyRules = map[string][]string{
	"self-harm": {
		"go|should|must|just kill yourself",
		"kill yourself now|tonight|today|already",
		"you should die",
		"you deserve to die",
		"go hang yourself",
		"how|ways|way|steps|methods to ~2 kill|hang|poison yourself",
		"how|ways|way|steps to ~1 commit suicide",
		"how|ways|way|steps to end your ~1 life",
		"painless way|ways|method|methods ~2 suicide|die",
	},
	"dangerous instructions": {
		"!learned|learnt|knew|discovered|taught|of how|steps|recipe|guide|instructions to|for ~1 " +
			"make|making|build|building|assemble|assembling|cook|cooking|synthesize|synthesizing|synthesise|synthesising|brew|brewing " +
			"~3 sarin|ricin|napalm|meth|methamphetamine|tatp",
		"!learned|learnt|knew|discovered|taught|of how|steps|recipe|guide|instructions to|for ~1 " +
			"make|making|build|building|assemble|assembling ~2 pipe|nail|fertilizer|fertiliser|cooker|homemade bomb|bombs",
		"!learned|learnt|knew|discovered|taught|of how|steps|recipe|guide|instructions to|for ~1 " +
			"make|making|build|building|assemble|assembling ~2 explosive|molotov|suicide device|devices|vest|vests|cocktail|cocktails",
		"make|build|assemble|cook your own ~2 bomb|explosives|napalm|sarin|ricin|meth|molotov",
	},
	"sexual content about minors": {
		"sexy|erotic|horny|aroused|seductive ~1 child|children|toddler|toddlers|schoolgirl|schoolgirls|" +
			"schoolboy|schoolboys|preteen|preteens|underage ~1 body|bodies|desire|desires|pleasure",
		"sexy|horny|seductive ~1 child|children|toddler|toddlers|schoolgirl|schoolgirls|schoolboy|schoolboys|preteen|preteens",
		"sexy|horny|seductive underage|little girl|girls|boy|boys",
	},
	"slurs": {
		"nigger|niggers|kike|kikes|faggot|faggots|gook|gooks|raghead|ragheads|towelhead|towelheads|wetbacks",
	},
}

// part is one position of a rule: the words that match, and how many other words may precede it.
type part struct {
	words map[string]bool
	gap   int
}

type rule struct {
	category string
	unless   map[string]bool // words forbidden immediately before the first word
	parts    []part
}

// rulesByFirst returns the rules by their first words.
var rulesByFirst = sync.OnceValue(func() map[string][]rule { return compileRules(safetyRules) })

func compileRules(source map[string][]string) map[string][]rule {
	index := make(map[string][]rule)
	for category, rows := range source {
		for _, row := range rows {
			r := compileRule(category, row)
			for word := range r.parts[0].words {
				index[word] = append(index[word], r)
			}
		}
	}
	return index
}

func compileRule(category, row string) rule {
	r := rule{category: category}
	gap := 0
	for field := range strings.FieldsSeq(row) {
		switch field[0] {
		case '~':
			gap = int(field[1] - '0')
		case '!':
			r.unless = wordSet(field[1:])
		default:
			r.parts = append(r.parts, part{words: wordSet(field), gap: gap})
			gap = 0
		}
	}
	return r
}

func wordSet(alternatives string) map[string]bool {
	set := make(map[string]bool)
	for word := range strings.SplitSeq(alternatives, "|") {
		set[word] = true
	}
	return set
}

// Unsafe returns the first category of the safety rules that the text violates, or "". It ignores everything but words,
// is pure, and runs in time linear in the length of the text.
func Unsafe(text string) string {
	words, rulesByFirst := lowerWords(text), rulesByFirst()
	for i, word := range words {
		for _, r := range rulesByFirst[word] {
			excused := i > 0 && r.unless[words[i-1]]
			if !excused && fits(words[i+1:], r.parts[1:]) {
				return r.category
			}
		}
	}
	return ""
}

// fits reports whether the parts follow, each within its gap.
func fits(words []string, parts []part) bool {
	if len(parts) == 0 {
		return true
	}
	for skip := 0; skip <= parts[0].gap && skip < len(words); skip++ {
		if parts[0].words[words[skip]] && fits(words[skip+1:], parts[1:]) {
			return true
		}
	}
	return false
}

// Safety returns the categories of the safety rules that any text of the aid violates, without repeats. It is empty if
// the aid may be shown.
func Safety(a study.Aid) []string {
	var broken []string
	seen := make(map[string]bool)
	for _, text := range texts(a) {
		if category := Unsafe(text); category != "" && !seen[category] {
			seen[category] = true
			broken = append(broken, category)
		}
	}
	return broken
}
