//go:build ignore

// Generate makes words.txt, persons.txt and places.txt from the files of WordNet 3.0, which are in
// the Debian package wordnet-base:
//
//	go run generate.go /usr/share/wordnet
package main

import (
	"bufio"
	"fmt"
	"log"
	"maps"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Numbers of WordNet's lexicographer files.
const (
	locations = "15"
	persons   = "18"
)

// minPlaceLen leaves out codes such as "AL".
const minPlaceLen = 4

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run generate.go DIRECTORY")
	}
	dir := os.Args[1]
	writeLines("words.txt", wordLines(dir))
	person, place := nameLines(dir)
	writeLines("persons.txt", person)
	writeLines("places.txt", place)
}

// eachLine calls f with the fields of every line of a file that is not part of its licence.
func eachLine(dir, name string, f func([]string)) {
	file, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	in := bufio.NewScanner(file)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		if line := in.Text(); !strings.HasPrefix(line, "  ") {
			f(strings.Fields(line))
		}
	}
	if in.Err() != nil {
		log.Fatal(in.Err())
	}
}

func writeLines(name string, lines []string) {
	slices.Sort(lines)
	text := strings.Join(slices.Compact(lines), "\n") + "\n"
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		log.Fatal(err)
	}
}

func isPlainWord(w string) bool {
	return len(w) > 1 && strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") == ""
}

// wordLines returns a line for each word that is not only a noun: "benefit n4v3" means that it is
// tagged as a noun 8 to 15 times and as a verb 4 to 7 times in WordNet's corpus. An irregular form
// has "P" for a past tense, "E" for a participle or "B" for both, and its base: "went P go".
func wordLines(dir string) []string {
	count := make(map[string]int)
	eachLine(dir, "cntlist.rev", func(f []string) {
		lemma, key, _ := strings.Cut(f[0], "%")
		n, _ := strconv.Atoi(f[2])
		count[lemma+" "+strings.Replace(key[:1], "5", "3", 1)] += n
	})
	found := make(map[string]string)
	for i, pos := range []string{"noun", "verb", "adj", "adv"} {
		eachLine(dir, "index."+pos, func(f []string) {
			if isPlainWord(f[0]) {
				weight := min(9, bits.Len(uint(count[f[0]+" "+strconv.Itoa(i+1)])))
				found[f[0]] += fmt.Sprintf("%s%d", pos[:1], weight)
				if pos == "adv" {
					found[f[0]] = found[f[0]][:len(found[f[0]])-2] + fmt.Sprintf("r%d", weight)
				}
			}
		})
	}
	var out []string
	for w, code := range found {
		if !isRegular(w, code, found) {
			out = append(out, w+" "+code)
		}
	}
	forms := make(map[string][]string)
	eachLine(dir, "verb.exc", func(f []string) {
		if isPlainWord(f[0]) && isPlainWord(f[1]) && f[0] != f[1] && !strings.HasSuffix(f[0], "ing") && !strings.HasSuffix(f[0], "s") {
			forms[f[1]] = append(forms[f[1]], f[0])
		}
	})
	for base, list := range forms {
		for _, form := range list {
			out = append(out, form+" "+tenseOf(form, base, list)+" "+base)
		}
	}
	return out
}

// pastOnly are irregular past forms whose participle is the base itself.
var pastOnly = []string{"came", "became", "overcame", "ran", "outran", "overran", "bade"}

// tenseOf returns the use of an irregular form, given all irregular forms of its verb.
func tenseOf(form, base string, all []string) string {
	participle := func(s string) bool {
		return strings.HasSuffix(s, "n") || strings.HasSuffix(s, "ne") || strings.Contains(s, "u") && !strings.Contains(base, "u")
	}
	others := slices.ContainsFunc(all, func(s string) bool { return s != form && participle(s) != participle(form) })
	switch {
	case slices.Contains(pastOnly, form):
		return "P"
	case !others:
		return "B"
	case participle(form):
		return "E"
	default:
		return "P"
	}
}

// isRegular reports whether a word needs no line: it is only a noun, an adverb in -ly, or an
// adjective with a typical ending.
func isRegular(w, code string, all map[string]string) bool {
	switch {
	case len(code) > 2:
		return false
	case code[0] == 'a':
		return slices.ContainsFunc(adjectiveEndings, func(end string) bool { return strings.HasSuffix(w, end) })
	default:
		return code[0] == 'n' && !looksInflected(w, all) || code[0] == 'r' && strings.HasSuffix(w, "ly")
	}
}

// looksInflected reports whether a noun can be mistaken for a form of a verb: "building", "news".
func looksInflected(w string, all map[string]string) bool {
	for _, end := range []string{"s", "es", "ed", "ing"} {
		base := strings.TrimSuffix(w, end)
		if base != w && (strings.Contains(all[base], "v") || strings.Contains(all[base+"e"], "v")) {
			return true
		}
	}
	return false
}

// adjectiveEndings must be the same as in package lexicon.
var adjectiveEndings = []string{"ous", "al", "ic", "ive", "able", "ible", "less", "ful", "ary", "ish", "ed", "ing", "like"}

// placeKind returns a letter for the kind of a place: a city, a nation, a state or something else.
func placeKind(class string) string {
	class = strings.ToLower(class)
	for _, kind := range []struct{ word, letter string }{{"city", "c"}, {"capital", "c"}, {"town", "c"}, {"port", "c"}, {"metropolis", "c"}, {"country", "n"}, {"nation", "n"}, {"kingdom", "n"}, {"republic", "n"}, {"state", "s"}, {"province", "s"}, {"continent", "k"}} {
		if strings.Contains(class, kind.word) {
			return kind.letter
		}
	}
	return "o"
}

// nameLines returns the words whose first meaning is a person (common nouns and given names) and
// the names whose first meaning is a place, each with a letter for its kind.
func nameLines(dir string) (person, place []string) {
	first := make(map[string]bool) // "lemma offset" of each first meaning
	eachLine(dir, "index.noun", func(f []string) {
		senses, _ := strconv.Atoi(f[2])
		first[f[0]+" "+f[len(f)-senses]] = true
	})
	given := make(map[string]int)
	kinds := make(map[string]string) // of a place, by the offset of its class
	eachLine(dir, "data.noun", func(f []string) { kinds[f[0]] = placeKind(f[4]) })
	eachLine(dir, "data.noun", func(f []string) {
		words, _ := strconv.ParseInt(f[3], 16, 0)
		instance := slices.Contains(f, "@i")
		for i := range words {
			w := f[4+2*i]
			low := strings.ToLower(w)
			if !first[low+" "+f[0]] || strings.Trim(low, "abcdefghijklmnopqrstuvwxyz_") != "" {
				continue
			}
			name, _, several := strings.Cut(w, "_")
			upper := unicode.IsUpper(rune(w[0]))
			if f[1] == persons && !upper && !several {
				person = append(person, w)
			}
			if !instance || !upper {
				continue
			}
			if f[1] == persons && several && len(name) > 2 {
				given[strings.ToLower(name)]++
			}
			if f[1] == locations && len(w) >= minPlaceLen && strings.Count(w, "_") < 3 {
				at := slices.Index(f, "@i")
				place = append(place, strings.ReplaceAll(low, "_", " ")+"\t"+kinds[f[at+1]])
			}
		}
	})
	return append(person, slices.Collect(maps.Keys(given))...), place
}
