package facts

import (
	"slices"
	"strconv"
	"strings"

	"studysharper/app/offline/english"
	"studysharper/app/text"
)

// wanted is how many wrong options a choice needs.
const wanted = 3

// Rivals gives three terms of the text that are wrong where f's is right, the
// likest first; fewer when there are not three. A term is no rival when it shares
// its words with the answer, stands in the question or its sentence, or is spoken
// of anywhere in words of which likeness or more are the question's.
func (src *Source) Rivals(f Fact, likeness float64) []string {
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
		if src.person(term) != src.person(f.Term) {
			far += 60
		}
		far += 10 * abs(strings.Count(term, " ")-strings.Count(f.Term, " "))
		if !Related(term, f.Term) && src.wrong(term, matter, f.At, likeness) && !src.akin(term, f.Term) {
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

// person reports whether a term is defined as a person.
func (src *Source) person(term string) bool {
	return slices.ContainsFunc(src.Defs, func(d Definition) bool { return d.Term == term && english.IsPerson(d.Definition) })
}

// loosePhrases are the heaviest phrases that name a thing and are no piece of a defined term.
func (src *Source) loosePhrases() []string {
	const looked = 40
	return slices.DeleteFunc(slices.Clone(firstFew(src.Phrases, looked)), func(p string) bool {
		return english.IsVague(p) || len(p) <= 3 || slices.ContainsFunc(src.Defs, func(d Definition) bool { return Find(d.Term, p, 0) >= 0 })
	})
}

// wrong reports whether the text gives no ground to take term for the answer to
// what matter says.
func (src *Source) wrong(term, matter string, at int, likeness float64) bool {
	x := &src.Index
	ids, total := x.Stems(matter)
	const looked = 100
	if slices.Contains(x.Mentions(term), at) || among(x, term, ids) > 0.5 {
		return false
	}
	return !slices.ContainsFunc(firstFew(x.Mentions(term), looked), func(i int) bool { return x.Share(ids, total, i) >= likeness })
}

// among is the share of term's stems that are among ids, which are in order.
func among(x *Index, term string, ids []int) float64 {
	own, total := x.Stems(term)
	found := 0
	for _, id := range own {
		if _, ok := slices.BinarySearch(ids, id); ok {
			found++
		}
	}
	return float64(found) / float64(max(1, total))
}

// akin reports whether the text speaks of two terms in sentences so alike that the
// terms may name the same thing.
func (src *Source) akin(one, other string) bool {
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

// Related reports whether two terms share all words of the shorter, or their last.
func Related(a, b string) bool {
	x, y := text.Words(a), text.Words(b)
	if len(x) == 0 || len(y) == 0 {
		return true
	}
	return text.Overlap(a, b) == 1 || text.Overlap(b, a) == 1 || text.Stem(x[len(x)-1]) == text.Stem(y[len(y)-1])
}

// OtherYears gives three other years of the text, the nearest first.
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

// Apart reports whether e's meaning is of the same form as d's and surely not d's.
func (src *Source) Apart(d, e Definition) bool {
	if d.Form != e.Form || d.At == e.At || Related(d.Term, e.Term) || english.IsPerson(d.Definition) != english.IsPerson(e.Definition) {
		return false
	}
	if slices.Contains(src.Index.Mentions(e.Term), d.At) || src.akin(d.Term, e.Term) {
		return false
	}
	return text.Overlap(d.Meaning, e.Meaning) < 0.5 && text.Overlap(e.Meaning, d.Meaning) < 0.5 && src.wrong(d.Term, e.Meaning, e.At, 0.5)
}
