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

// Limits for the analysis of notes.
const (
	thinSection  = 40 // words
	longSentence = 35 // words
	maxUndefined = 3
	maxThin      = 4 // sections that are listed as too short
	briefly      = 3 // remarks of each kind for a student who prefers short answers
)

// A review collects the remarks about notes.
type review struct {
	src  source
	body study.AnalysisBody
}

// makeAnalysis lists strengths and gaps of the notes. It states only what can be counted.
func makeAnalysis(ctx context.Context, src source, b study.Brief) study.Aid {
	r := review{src: src, body: study.AnalysisBody{Strengths: []string{}, Gaps: []string{}, KeyConcepts: src.keyConcepts(10)}}
	if len(r.body.KeyConcepts) == 0 {
		return nil
	}
	r.judgeStructure()
	r.judgeDefinitions()
	if src.English {
		r.judgeReasons(src.Facts(ctx))
		r.judgeExamples()
		r.findUndefinedTerms()
		r.findAcronyms()
	}
	r.judgeSentenceLength()
	r.addRemark(&r.body.Suggestions, "Cover the text and explain %s aloud; then check what you left out.", quoteNames(r.body.KeyConcepts, 3))
	if len(r.body.Strengths)+len(r.body.Gaps) == 0 {
		r.addRemark(&r.body.Strengths, "Has %d words in %s.", r.src.countWords(), countPhrase(len(src.Sentences), "one sentence", "%d sentences"))
	}
	if b.Detail == study.Short {
		for _, lines := range []*[]string{&r.body.Strengths, &r.body.Gaps, &r.body.Suggestions} {
			*lines = (*lines)[:min(briefly, len(*lines))]
		}
	}
	return &study.AnalysisSet{Analysis: r.body}
}

// countWords returns the number of words of the text.
func (src source) countWords() (n int) {
	for _, s := range src.Sections {
		n += s.Words
	}
	return n
}

func (r *review) addRemark(to *[]string, format string, args ...any) {
	*to = append(*to, fmt.Sprintf(format, args...))
}

// quoteNames lists up to n of the names: “a”, “b” and “c”.
func quoteNames(names []string, n int) string {
	var out []string
	for _, name := range names[:min(n, len(names))] {
		out = append(out, "“"+name+"”")
	}
	if len(out) < 2 {
		return strings.Join(out, "")
	}
	return strings.Join(out[:len(out)-1], ", ") + " and " + out[len(out)-1]
}

// keyConcepts returns the main concepts of the text: phrases of several words and defined
// terms first, then other words.
func (src source) keyConcepts(n int) []string {
	var out []string
	for _, plain := range []bool{false, true} {
		for _, p := range src.Phrases() {
			if len(out) == n {
				return out
			}
			p = src.fullName(p)
			if english.IsVague(p) || !plain && !src.isTerm(p) {
				continue
			}
			if !slices.ContainsFunc(out, func(o string) bool { return text.Overlap(p, o) == 1 || text.Overlap(o, p) == 1 }) {
				out = append(out, p)
			}
		}
	}
	return out
}

// fullName returns the defined name that contains the phrase ("Robespierre" for "Maximilien
// Robespierre"), or the phrase itself.
func (src source) fullName(phrase string) string {
	for _, d := range src.Defs() {
		if english.IsName(phrase) && facts.Find(d.Term, phrase, 0) >= 0 {
			return d.Term
		}
	}
	return phrase
}

// isTerm reports whether a phrase is a term rather than a common word: it is defined, or has
// several words and is used more than once.
func (src source) isTerm(phrase string) bool {
	return src.defines(phrase) || strings.Contains(phrase, " ") && len(src.Index.Mentions(phrase)) > 1
}

// defines reports whether the source defines a term of these words, alone or
// together with another ("A and B are …").
func (src source) defines(term string) bool {
	return slices.ContainsFunc(src.Defs(), func(d facts.Definition) bool {
		if english.IsName(term) && facts.Find(d.Term, term, 0) >= 0 {
			return true // Robespierre in Maximilien Robespierre
		}
		for name := range strings.SplitSeq(d.Term, " and ") {
			if text.Overlap(term, name) == 1 && text.Overlap(name, term) == 1 {
				return true
			}
		}
		return false
	})
}

// judgeDefinitions lists the terms that are defined.
func (r *review) judgeDefinitions() {
	switch terms := r.src.terms(); {
	case len(terms) > 1:
		r.addRemark(&r.body.Strengths, "Defines %d terms, among them %s.", len(terms), quoteNames(terms, 3))
	case len(terms) == 1:
		r.addRemark(&r.body.Strengths, "Defines %s.", quoteNames(terms, 1))
	case r.src.English:
		r.addRemark(&r.body.Gaps, "No definition such as “%s is …” was found.", r.body.KeyConcepts[0])
	}
}

// judgeStructure checks the headings and the length of the sections.
func (r *review) judgeStructure() {
	var headings []string
	for _, s := range r.src.Sections {
		if s.Heading == "" {
			continue
		}
		headings = append(headings, s.Heading)
		if s.Words < thinSection && s.Words > 0 && len(headings) > 1 && len(r.body.Gaps) < maxThin {
			r.addRemark(&r.body.Gaps, "The section “%s” is thin: %d words.", s.Heading, s.Words)
		}
	}
	words := r.src.countWords()
	switch n := len(headings); {
	case n > 1:
		r.addRemark(&r.body.Strengths, "Is organised under %d headings, from “%s” to “%s”.", n, headings[0], headings[n-1])
	case words > 250:
		r.addRemark(&r.body.Gaps, "%d words stand without headings to find things by.", words)
		r.addRemark(&r.body.Suggestions, "Add headings, for example where the text begins to discuss %s.", quoteNames(r.body.KeyConcepts, 2))
	}
}

// judgeReasons names a question about a reason that the notes answer.
func (r *review) judgeReasons(found []facts.Fact) {
	n, example := 0, ""
	for _, f := range found {
		if f.Kind == facts.Why || f.Kind == facts.How {
			if n++; example == "" || f.Kind == facts.Why && len(f.Question) < len(example) {
				example = f.Question
			}
		}
	}
	if n > 0 {
		r.addRemark(&r.body.Strengths, "Gives reasons; it answers, for instance, “%s”", example)
	}
}

// countPhrase returns once for 1, else more with the number.
func countPhrase(n int, once, more string) string {
	if n == 1 {
		return once
	}
	return fmt.Sprintf(more, n)
}

// judgeExamples checks for examples and figures.
func (r *review) judgeExamples() {
	given, figures := 0, 0
	for _, s := range r.src.Plain {
		for _, mark := range []string{"for example", "for instance", "e.g."} {
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
		r.addRemark(&r.body.Strengths, "Gives examples in %s.", countPhrase(given, "one sentence", "%d sentences"))
	}
	if figures > 1 {
		r.addRemark(&r.body.Strengths, "Has numbers or dates in %d sentences.", figures)
	}
}

// findUndefinedTerms lists key concepts for which no definition was found. The notes may explain
// them in another form, so it phrases this as a question.
func (r *review) findUndefinedTerms() {
	found := 0
	for _, p := range r.src.Phrases() {
		at := r.src.Index.Mentions(p)
		technical := strings.Contains(p, " ") || len(p) >= 11
		if found == maxUndefined || len(at) < 3 || !technical || english.IsVague(p) || r.src.defines(p) || english.IsName(p) {
			continue
		}
		found++
		r.addRemark(&r.body.Suggestions, "“%s” is used in %d sentences: explain it in one sentence, and add the explanation if your notes have none.", p, len(at))
	}
}

// findAcronyms lists acronyms that are never spelled out.
func (r *review) findAcronyms() {
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
		r.addRemark(&r.body.Gaps, "Acronyms without an explanation in brackets: %s.", quoteNames(bare, 5))
	}
}

// judgeSentenceLength checks for sentences that are too long.
func (r *review) judgeSentenceLength() {
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
		r.addRemark(&r.body.Gaps, "%s over %d words.", countPhrase(n, "One sentence is", "%d sentences are"), longSentence)
		r.addRemark(&r.body.Suggestions, "Split the sentence that begins “%s …”.", opening)
	}
}
