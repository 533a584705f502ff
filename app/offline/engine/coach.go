package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"studysharper/app/offline/english"
	"studysharper/app/offline/facts"
	"studysharper/app/study"
	"studysharper/app/text"
)

// Bounds that notes are judged by.
const (
	thinSection  = 40 // words
	longSentence = 35 // words
	maxUndefined = 4
	briefly      = 3 // lines of a kind that a student who likes it short gets
)

// A review gathers what is said of notes.
type review struct {
	src  source
	body study.AnalysisBody
}

// makeAnalysis says what the notes do well and what they lack, by name.
func makeAnalysis(ctx context.Context, src source, b study.Brief) study.Aid {
	r := review{src: src, body: study.AnalysisBody{Strengths: []string{}, Gaps: []string{}, KeyConcepts: src.concepts(10)}}
	if len(r.body.KeyConcepts) == 0 {
		return nil
	}
	r.order()
	if src.English {
		r.definitions()
		r.reasons(src.Facts(ctx))
		r.examples()
		r.undefined()
		r.acronyms()
	} else {
		r.say(&r.body.Gaps, "The notes are not in English: whether they define terms and give reasons and examples was not judged.")
	}
	r.sentences()
	r.say(&r.body.Suggestions, "Cover the text and explain %s aloud; then check what you left out.", quoted(r.body.KeyConcepts, 3))
	if b.Detail == study.Short {
		for _, lines := range []*[]string{&r.body.Strengths, &r.body.Gaps, &r.body.Suggestions} {
			*lines = (*lines)[:min(briefly, len(*lines))]
		}
	}
	return &study.AnalysisSet{Analysis: r.body}
}

func (r *review) say(to *[]string, format string, args ...any) {
	*to = append(*to, fmt.Sprintf(format, args...))
}

// quoted lists up to n of the names: “a”, “b” and “c”.
func quoted(names []string, n int) string {
	var out []string
	for _, name := range names[:min(n, len(names))] {
		out = append(out, "“"+name+"”")
	}
	if len(out) < 2 {
		return strings.Join(out, "")
	}
	return strings.Join(out[:len(out)-1], ", ") + " and " + out[len(out)-1]
}

// concepts are what the text is most about: at first the phrases of several words
// and the defined terms, then other words.
func (src source) concepts(n int) []string {
	var out []string
	for _, plain := range []bool{false, true} {
		for _, p := range src.Phrases {
			p = src.fullName(p)
			known := slices.ContainsFunc(out, func(o string) bool { return text.Overlap(p, o) == 1 || text.Overlap(o, p) == 1 })
			if len(out) < n && !known && !english.IsVague(p) && (plain || src.heavy(p)) {
				out = append(out, p)
			}
		}
	}
	return out
}

// fullName is the defined name that a name is a part of, else the phrase itself.
func (src source) fullName(phrase string) string {
	for _, d := range src.Defs {
		if english.IsName(phrase) && facts.Find(d.Term, phrase, 0) >= 0 {
			return d.Term
		}
	}
	return phrase
}

// heavy reports whether a phrase is a term rather than a word: it is defined, or
// of several words and used more than once.
func (src source) heavy(phrase string) bool {
	return src.defines(phrase) || strings.Contains(phrase, " ") && len(src.Index.Mentions(phrase)) > 1
}

// defines reports whether the source defines a term of these words, alone or
// together with another ("A and B are …").
func (src source) defines(term string) bool {
	return slices.ContainsFunc(src.Defs, func(d facts.Definition) bool {
		if english.IsName(term) && facts.Find(d.Term, term, 0) >= 0 {
			return true // Robespierre, of Maximilien Robespierre
		}
		for name := range strings.SplitSeq(d.Term, " and ") {
			if text.Overlap(term, name) == 1 && text.Overlap(name, term) == 1 {
				return true
			}
		}
		return false
	})
}

// definitions judges whether terms are defined.
func (r *review) definitions() {
	switch terms := r.src.terms(); len(terms) {
	case 0:
		r.say(&r.body.Gaps, "No term is defined in so many words.")
	case 1:
		r.say(&r.body.Strengths, "Defines %s.", quoted(terms, 1))
	default:
		r.say(&r.body.Strengths, "Defines %d terms, among them %s.", len(terms), quoted(terms, 3))
	}
}

// order judges headings and the size of sections.
func (r *review) order() {
	var headings []string
	for _, s := range r.src.Sections {
		if s.Heading == "" {
			continue
		}
		headings = append(headings, s.Heading)
		if s.Words < thinSection && len(headings) > 1 && len(r.body.Gaps) < 8 {
			r.say(&r.body.Gaps, "The section “%s” is thin: %d words.", s.Heading, s.Words)
			r.say(&r.body.Suggestions, "Extend “%s” with a definition, a reason and an example.", s.Heading)
		}
	}
	words := 0
	for _, s := range r.src.Sections {
		words += s.Words
	}
	switch n := len(headings); {
	case n > 1:
		r.say(&r.body.Strengths, "Is ordered under %d headings, from “%s” to “%s”.", n, headings[0], headings[n-1])
	case words > 250:
		r.say(&r.body.Gaps, "%d words stand without headings to find things by.", words)
		r.say(&r.body.Suggestions, "Put headings in, for example where the text turns to %s.", quoted(r.body.KeyConcepts, 2))
	}
}

// reasons judges whether causes are told.
func (r *review) reasons(found []facts.Fact) {
	n, example := 0, ""
	for _, f := range found {
		if f.Kind == facts.Why || f.Kind == facts.How {
			if n++; example == "" || f.Kind == facts.Why && len(f.Question) < len(example) {
				example = f.Question
			}
		}
	}
	if n > 0 {
		r.say(&r.body.Strengths, "Tells why or how %s; it answers, for instance, “%s”", times(n, "once", "in %d places"), example)
		return
	}
	r.say(&r.body.Gaps, "Nowhere says why or how something happens.")
	r.say(&r.body.Suggestions, "Add the reasons: why does %s matter, and what causes it?", quoted(r.body.KeyConcepts, 1))
}

// times words a count.
func times(n int, once, more string) string {
	if n == 1 {
		return once
	}
	return fmt.Sprintf(more, n)
}

// examples judges whether examples and figures are given.
func (r *review) examples() {
	given, figures := 0, 0
	for _, s := range r.src.Plain {
		for _, mark := range []string{"for example", "such as", "for instance", "e.g.", "including"} {
			if strings.Contains(strings.ToLower(s), mark) {
				given++
				break
			}
		}
		if strings.ContainsFunc(s, unicode.IsDigit) {
			figures++
		}
	}
	if given > 0 {
		r.say(&r.body.Strengths, "Gives examples in %s.", times(given, "one sentence", "%d sentences"))
	} else {
		r.say(&r.body.Gaps, "Gives no examples.")
		r.say(&r.body.Suggestions, "Give an example of %s.", quoted(r.body.KeyConcepts, 1))
	}
	if figures > 1 {
		r.say(&r.body.Strengths, "Backs %d sentences with figures or dates.", figures)
	}
}

// undefined names concepts that are used and never defined.
func (r *review) undefined() {
	found := 0
	for _, p := range r.src.Phrases {
		at := r.src.Index.Mentions(p)
		technical := strings.Contains(p, " ") || len(p) >= 11
		if found == maxUndefined || len(at) < 2 || !technical || english.IsVague(p) || r.src.defines(p) {
			continue
		}
		found++
		r.say(&r.body.Gaps, "“%s” is used in %d sentences but never defined.", p, len(at))
		r.say(&r.body.Suggestions, "Define “%s” where it first appears, in “%s”.", p, r.src.Topic(at[0]))
	}
}

// acronyms names those never spelled out.
func (r *review) acronyms() {
	var bare []string
	all := strings.Join(r.src.Plain, "\n")
	for w := range strings.FieldsSeq(all) {
		w = strings.Trim(w, ".,;:!?\"“”")
		isAcronym := len(w) >= 3 && len(w) <= 6 && w == strings.ToUpper(w) && strings.Trim(w, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" && strings.Trim(w, "IVXLCM") != ""
		if isAcronym && len(bare) < 5 && !slices.Contains(bare, w) && !strings.Contains(all, "("+w+")") && !strings.Contains(all, w+" (") {
			bare = append(bare, w)
		}
	}
	if len(bare) > 0 {
		r.say(&r.body.Gaps, "Not spelled out: %s.", quoted(bare, 5))
		r.say(&r.body.Suggestions, "Write out in full, where they first appear: %s.", quoted(bare, 5))
	}
}

// sentences judges their length.
func (r *review) sentences() {
	n, longest := 0, ""
	for _, s := range r.src.Plain {
		if words := len(strings.Fields(s)); words > longSentence {
			if n++; words > len(strings.Fields(longest)) {
				longest = s
			}
		}
	}
	if n > 0 {
		opening := strings.Join(strings.Fields(longest)[:6], " ")
		r.say(&r.body.Gaps, "%s over %d words and hard to learn from.", times(n, "One sentence is", "%d sentences are"), longSentence)
		r.say(&r.body.Suggestions, "Split the sentence that begins “%s …”.", opening)
	}
}
