package facts

import (
	"slices"
	"strconv"
	"strings"

	"studysharper/app/offline/english"
	"studysharper/app/text"
)

// wanted is the number of distractors that a question needs.
const wanted = 3

// Distractors returns three terms of the text that are wrong answers to f, the most similar
// first, or fewer if there are not three. A term is not a distractor if it shares its words
// with the answer, occurs in the question or its sentence, or if some sentence that mentions
// it contains at least likeness of the question's words.
func (src *Source) Distractors(f Fact, likeness float64) []string {
	type rival struct {
		term string
		far  int
	}
	var found []rival
	_, matter, _ := strings.Cut(f.Question, ": ")
	offer := func(term string, far int) {
		if english.Plural(term) != english.Plural(f.Term) {
			far += 40
		}
		if src.isPerson(term) != src.isPerson(f.Term) {
			far += 60
		}
		far += 10 * abs(strings.Count(term, " ")-strings.Count(f.Term, " "))
		if !Related(term, f.Term) && src.isWrong(term, matter, f.At, likeness) && !src.areAlike(term, f.Term) {
			found = append(found, rival{term, far + Pick(f.Question+term, 10)})
		}
	}
	for _, d := range src.Defs {
		offer(d.Term, 0)
	}
	for _, p := range src.loose {
		offer(p, 15)
	}
	slices.SortStableFunc(found, func(x, y rival) int { return x.far - y.far })
	var out []string
	for _, r := range found {
		if len(out) < wanted && !slices.ContainsFunc(out, func(o string) bool { return Related(o, r.term) }) {
			out = append(out, english.Capital(r.term))
		}
	}
	return out
}

// isPerson reports whether a term is defined as a person.
func (src *Source) isPerson(term string) bool {
	return slices.ContainsFunc(src.Defs, func(d Definition) bool { return d.Term == term && english.IsPerson(d.Definition) })
}

// listLoosePhrases returns the heaviest phrases that name a thing and are not part of a
// defined term.
func (src *Source) listLoosePhrases() []string {
	const looked = 40
	return slices.DeleteFunc(slices.Clone(firstFew(src.Phrases, looked)), func(p string) bool {
		return english.IsVague(p) || len(p) <= 3 || slices.ContainsFunc(src.Defs, func(d Definition) bool { return Find(d.Term, p, 0) >= 0 })
	})
}

// isWrong reports whether the text gives no reason to take term for the answer to matter.
func (src *Source) isWrong(term, matter string, at int, likeness float64) bool {
	x := &src.Index
	ids, total := x.Stems(matter)
	const looked = 100
	if slices.Contains(x.Mentions(term), at) || shareAmong(x, term, ids) > 0.5 {
		return false
	}
	return !slices.ContainsFunc(firstFew(x.Mentions(term), looked), func(i int) bool { return x.Share(ids, total, i) >= likeness })
}

// shareAmong returns the share of term's stems that are in ids, which is sorted.
func shareAmong(x *Index, term string, ids []int) float64 {
	own, total := x.Stems(term)
	found := 0
	for _, id := range own {
		if _, ok := slices.BinarySearch(ids, id); ok {
			found++
		}
	}
	return float64(found) / float64(max(1, total))
}

// areAlike reports whether sentences that mention the two terms are so similar that the terms
// may name the same thing.
func (src *Source) areAlike(one, other string) bool {
	const looked, likeness = 6, 0.6
	x := &src.Index
	for _, i := range firstFew(x.Mentions(one), looked) {
		for _, j := range firstFew(x.Mentions(other), looked) {
			a, c := x.Of(i), x.Of(j)
			if i != j && max(x.Share(a, len(a), j), x.Share(c, len(c), i)) >= likeness {
				return true
			}
		}
	}
	return false
}

func firstFew[T any](list []T, n int) []T { return list[:min(n, len(list))] }

// Related reports whether two terms share all words of the shorter one, or their last word.
func Related(a, b string) bool {
	x, y := text.Words(a), text.Words(b)
	if len(x) == 0 || len(y) == 0 {
		return true
	}
	return text.Overlap(a, b) == 1 || text.Overlap(b, a) == 1 || text.Stem(x[len(x)-1]) == text.Stem(y[len(y)-1])
}

// OtherYears returns three other years of the text, the nearest first.
func (src *Source) OtherYears(year, sentence string) []string {
	right, _ := strconv.Atoi(year)
	var years []int
	for _, y := range src.years {
		if !strings.Contains(sentence, strconv.Itoa(y)) {
			years = append(years, y)
		}
	}
	slices.SortStableFunc(years, func(x, y int) int { return abs(x-right) - abs(y-right) })
	var out []string
	for _, y := range years[:min(wanted, len(years))] {
		out = append(out, strconv.Itoa(y))
	}
	return out
}

func abs(n int) int { return max(n, -n) }

// AreApart reports whether e's meaning has the same form as d's and is certainly not d's.
func (src *Source) AreApart(d, e Definition) bool {
	if d.Form != e.Form || d.At == e.At || Related(d.Term, e.Term) || english.IsPerson(d.Definition) != english.IsPerson(e.Definition) {
		return false
	}
	if slices.Contains(src.Index.Mentions(e.Term), d.At) || src.areAlike(d.Term, e.Term) {
		return false
	}
	return text.Overlap(d.Meaning, e.Meaning) < 0.5 && text.Overlap(e.Meaning, d.Meaning) < 0.5 && src.isWrong(d.Term, e.Meaning, e.At, 0.5)
}
