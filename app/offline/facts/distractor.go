package facts

import (
	"slices"
	"strconv"
	"strings"

	"studysharper/app/offline/english"
	"studysharper/app/text"
)

// Wanted is the number of distractors that a question needs.
const Wanted = 3

// An Entity is a person, place, year or term that can be exchanged for another of its kind.
type Entity struct {
	Name string
	Kind EntityKind
	Sort byte // for a place, see english.PlaceKind
	The  bool // it has "the" before it
	At   int  // the index of the first sentence that names it
}

// EntityKind is the kind of an Entity. Only things of one kind are rivals.
type EntityKind int

// The kinds of entities.
const (
	NoKind EntityKind = iota
	Person
	Place
	YearKind
	Concept // a defined term
)

// maxEntities bounds the entities of a source.
const maxEntities = 300

// listEntities finds the persons, places, years and defined terms of the text, each once.
func (src *Source) listEntities() (list []Entity) {
	seen := make(map[string]bool)
	add := func(name string, kind EntityKind, at int) {
		if key := strings.ToLower(name); len(list) < maxEntities && name != "" && !seen[key] {
			seen[key] = true
			text := src.Sentences[at].Text
			start := Find(text, name, 0)
			the := start >= 4 && strings.EqualFold(text[start-4:start], "the ")
			list = append(list, Entity{name, kind, english.PlaceKind(name), the, at})
		}
	}
	unjudged := func(int) bool { return false }
	for _, d := range src.Defs() {
		switch {
		case d.Form == english.Clause && !src.isWorthDefining(d, unjudged) || strings.ContainsAny(d.Term, "'’"):
		case d.isPerson():
			add(d.Term, Person, d.At)
		default:
			add(d.Term, Concept, d.At)
		}
	}
	for i, s := range src.Sentences {
		if s.Card == nil && src.English {
			src.nameEntities(i, add)
		}
	}
	return list
}

// nameEntities adds the year, the places and the persons that sentence i names.
func (src *Source) nameEntities(i int, add func(name string, kind EntityKind, at int)) {
	s := src.Sentences[i].Text
	add(YearIn(s), YearKind, i)
	for _, p := range english.NounPhrases(s) {
		p = src.Casing.Lower(p)
		if english.PlaceKind(p) != 0 {
			add(p, Place, i)
		} else if src.isPersonIn(s, p) {
			add(p, Person, i)
			if at := strings.LastIndexByte(p, ' '); at > 0 {
				add(p[at+1:], Person, i) // the surname, as later sentences use it
			}
		}
	}
}

// isPersonIn reports whether a phrase of a sentence is the whole name of a person.
func (src *Source) isPersonIn(s, p string) bool {
	at := Find(s, p, 0)
	return at >= 0 && english.IsPersonName(p) && !src.hasCommonWord(p) && !partOfName(s[:at]) && !continuesName(s[at+len(p):])
}

// hasCommonWord reports whether a word of a name after the first is also written in lower case: "Proxy Statements".
func (src *Source) hasCommonWord(name string) bool {
	words := strings.Fields(name)
	return slices.ContainsFunc(words[1:], src.Casing.IsCommon)
}

// EntitiesIn returns the entities that a sentence names, the longest first.
func (src *Source) EntitiesIn(s string) []Entity {
	var out []Entity
	for _, e := range src.Entities() {
		if Find(s, e.Name, 0) >= 0 {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b Entity) int { return len(b.Name) - len(a.Name) })
	return out
}

// entityOf returns the entity with this name.
func (src *Source) entityOf(name string) Entity {
	for _, e := range src.Entities() {
		if strings.EqualFold(e.Name, name) {
			return e
		}
	}
	return Entity{}
}

// maxRivals is more than the number of wrong options of any question.
const maxRivals = 8

// Rivals returns at most maxRivals entities of the same kind, the most similar first. They are not named in sentence at,
// and the sentence is not true with them. Concepts must be defined in the same section or share a word.
func (src *Source) Rivals(e Entity, matter string, at int) []string {
	type rival struct {
		name string
		far  int
	}
	var found []rival
	for _, r := range src.Entities() {
		if src.areOfOneSort(e, r) && !Related(r.Name, e.Name) && !src.areAliases(e.Name, r.Name) && src.isWrong(r.Name, matter, at, 0.5) && (r.Kind != Concept || !src.areAlike(r.Name, e.Name)) {
			found = append(found, rival{r.Name, src.distance(e, r)})
		}
	}
	slices.SortStableFunc(found, func(x, y rival) int { return x.far - y.far })
	var out []string
	for _, r := range found {
		if len(out) < maxRivals && !slices.ContainsFunc(out, func(o string) bool { return Related(o, r.name) }) {
			out = append(out, r.name)
		}
	}
	return out
}

// minExchanged is the number of spaces in the shortest statement that becomes false with another term.
const minExchanged = 7

// TurnsFalse reports whether replacing e by another entity of its kind makes a statement false, not only odd.
func (src *Source) TurnsFalse(s string, e Entity) bool {
	at := Find(s, e.Name, 0)
	if at < 0 || !IsExchangeable(s, e.Name) || english.Qualifies(s, at+len(e.Name)) || strings.HasSuffix(s[:at], "one of the ") {
		return false
	}
	owns := strings.HasPrefix(s[at+len(e.Name):], "’s") || strings.HasPrefix(s[at+len(e.Name):], "'s")
	switch e.Kind {
	case Person:
		return !english.HasGender(s) && !english.EndsInPlace(s[:at])
	case Place:
		return !owns && !english.IsState(s) // a state can also be true of other places
	case Concept: // elsewhere in the sentence, replacing it leaves the statement vague
		return strings.Count(s, " ") >= minExchanged && strings.EqualFold(english.DropArticle(english.Subject(s)), e.Name)
	default:
		return true
	}
}

// Names reports whether a statement contains a subject of the text: a term or a name that could be blanked.
func (src *Source) Names(s string) bool {
	return len(src.Sentences) <= few || len(src.EntitiesIn(s)) > 0 || src.chooseGap(s) != ""
}

// areOfOneSort reports whether two entities are interchangeable. Two concepts are if they look alike: defined in one section or
// with a common word, both plural or both singular, both names or neither.
func (src *Source) areOfOneSort(e, r Entity) bool {
	if r.Kind != e.Kind || r.Sort != e.Sort {
		return false
	}
	if r.Kind != Concept {
		return r.The == e.The
	}
	near := src.Sentences[r.At].Section == src.Sentences[e.At].Section || sharesWord(r.Name, e.Name)
	return near && english.Plural(r.Name) == english.Plural(e.Name) && isCapital(r.Name) == isCapital(e.Name)
}

func isCapital(s string) bool { return s != strings.ToLower(s) }

// areAliases reports whether two names are parts of one name (Victor and Frankenstein), or one follows the other in brackets.
func (src *Source) areAliases(a, b string) bool {
	for _, i := range firstFew(src.Index.Mentions(a), 6) {
		if s := strings.ToLower(src.Plain[i]); strings.Contains(s, strings.ToLower(a+" ("+b)) || strings.Contains(s, strings.ToLower(b+" ("+a)) {
			return true
		}
	}
	return slices.ContainsFunc(src.Entities(), func(e Entity) bool {
		return e.Kind != Concept && Find(e.Name, a, 0) >= 0 && Find(e.Name, b, 0) >= 0
	})
}

// distance returns how different two entities of one kind look.
func (src *Source) distance(e, r Entity) int {
	if e.Kind == YearKind {
		x, _ := strconv.Atoi(e.Name)
		y, _ := strconv.Atoi(r.Name)
		return abs(x - y)
	}
	far := 10*abs(strings.Count(e.Name, " ")-strings.Count(r.Name, " ")) + abs(e.At-r.At)
	if sharesWord(e.Name, r.Name) {
		far -= 100
	}
	return far
}

func sharesWord(a, b string) bool {
	bag := text.NewBag(a)
	return slices.ContainsFunc(text.Words(b), func(w string) bool { return bag.Overlap(w) == 1 })
}

// Distractors returns three wrong answers to a fact whose term is an entity, or nil.
func (src *Source) Distractors(f Fact) []string {
	e := src.entityOf(f.Term)
	if e.Kind == NoKind {
		return nil
	}
	_, matter, ok := strings.Cut(f.Question, ": ")
	if !ok {
		matter = f.Question
	}
	found := src.Rivals(e, matter, f.At)
	if len(found) < Wanted {
		return nil
	}
	out := make([]string, Wanted)
	for i := range out {
		out[i] = english.Capital(found[i])
	}
	return out
}

// isWrong reports whether nothing in the text suggests that term is the answer to matter.
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

// Related reports whether one of two terms has all words of the other.
func Related(a, b string) bool {
	if len(text.Words(a)) == 0 || len(text.Words(b)) == 0 {
		return true
	}
	return text.Overlap(a, b) == 1 || text.Overlap(b, a) == 1
}

func abs(n int) int { return max(n, -n) }

// AreApart reports whether e's meaning has the same form as d's, certainly differs from it, and both
// are of one kind.
func (src *Source) AreApart(d, e Definition) bool {
	near := src.Sentences[d.At].Section == src.Sentences[e.At].Section || sharesWord(d.Term, e.Term)
	if !near || d.Form != e.Form || d.At == e.At || d.Plural != e.Plural || Related(d.Term, e.Term) || d.isPerson() != e.isPerson() {
		return false
	}
	if slices.Contains(src.Index.Mentions(e.Term), d.At) || src.areAlike(d.Term, e.Term) {
		return false
	}
	return text.Overlap(d.Meaning, e.Meaning) < 0.5 && text.Overlap(e.Meaning, d.Meaning) < 0.5 && src.isWrong(d.Term, e.Meaning, e.At, 0.5)
}
