package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"studysharper/app/offline/facts"
	"studysharper/app/study"
	"studysharper/app/text"
)

const (
	maxMinutes      = 90 // of a session, if no duration is requested
	reviewMinutes   = 20
	shortUnit       = 25 // words: a shorter section is read with the one before it
	defaultSessions = 10 // at most, if no count is requested
	minPlanned      = 3  // content words; less material gets no plan
)

// A unit is a stretch of the source for one session: sentences[from:to].
type unit struct {
	topic    string
	part     int // from 1 if a section was divided, else 0
	from, to int
}

func (u unit) name() string {
	if u.part == 0 {
		return u.topic
	}
	return fmt.Sprintf("%s (part %d)", u.topic, u.part)
}

// makePlan makes Options.Count sessions (0: one for each section of some length plus reviews, at most
// ten) of Options.DurationMinutes (0: by the length of the text to read). They cover the whole
// text. Plans of three or more sessions end with a review two days after the last new material;
// plans of six or more have a second review a week after it.
func makePlan(ctx context.Context, src source, b study.Brief) study.Aid {
	units := src.listUnits()
	if len(units) == 0 || len(text.Words(strings.Join(src.Plain, " "))) < minPlanned {
		return nil
	}
	n := min(b.Options.Count, study.MaxItems)
	if n <= 0 {
		n = defaultCount(len(units))
	}
	groups := src.groupUnits(units, n-reviewsIn(n))
	slices.SortStableFunc(groups, func(a, c []unit) int { return cmp.Compare(weakness(a, b.Weak), weakness(c, b.Weak)) })
	found := src.Facts(ctx)
	body := study.PlanBody{Title: src.titleFor("Study plan", b.Options)}
	for i, g := range groups {
		minutes := orDefault(b.Options.DurationMinutes, minutesFor(src.wordsIn(g)))
		body.Sessions = append(body.Sessions, study.PlanSession{Day: i + 1, Topic: sessionTopic(g), Minutes: minutes, Activities: src.planActivities(groups, i, found)})
	}
	for i := range reviewsIn(n) {
		minutes := orDefault(b.Options.DurationMinutes, reviewMinutes)
		body.Sessions = append(body.Sessions, study.PlanSession{Day: len(groups) + []int{2, 7}[i], Topic: fmt.Sprintf("Review %d: everything so far", i+1), Minutes: minutes, Activities: src.planReview(i, found)})
	}
	return &study.PlanSet{Plan: body}
}

// weakness returns the rank of a session among the student's weak topics, the worst first; sessions on other topics come last.
func weakness(g []unit, weak []string) int {
	for i, topic := range weak {
		if slices.ContainsFunc(g, func(u unit) bool { return strings.EqualFold(u.topic, topic) }) {
			return i
		}
	}
	return len(weak)
}

// minutesFor returns the time to read and learn this many words: 40 words a minute and 10 minutes to
// recall, in steps of five.
func minutesFor(words int) int {
	return min(maxMinutes, (10+words/40+4)/5*5)
}

// wordsIn returns the number of words of a session's units.
func (src source) wordsIn(g []unit) (n int) {
	for _, s := range src.Plain[g[0].from:g[len(g)-1].to] {
		n += len(strings.Fields(s))
	}
	return n
}

// defaultCount returns one session for each section, plus the reviews of a plan of that length.
func defaultCount(sections int) int {
	n := sections
	for n < defaultSessions && n-reviewsIn(n) < sections {
		n++
	}
	return min(n, defaultSessions)
}

// reviewsIn returns how many of n sessions are reviews.
func reviewsIn(n int) int {
	switch {
	case n < 3:
		return 0
	case n < 6:
		return 1
	default:
		return 2
	}
}

// listUnits returns the sections that have sentences; short ones are joined with the previous one.
func (src source) listUnits() []unit {
	var out []unit
	for _, s := range src.Sections {
		if s.To <= s.From {
			continue
		}
		if last := len(out) - 1; last >= 0 && (s.Words < shortUnit || src.wordsIn(out[last:]) < shortUnit) {
			out[last].to = s.To
			continue
		}
		out = append(out, unit{topic: src.TopicAt(s.From), from: s.From, to: s.To})
	}
	return out
}

// groupUnits distributes the units over n sessions in order. It joins neighbours if there are
// too many units and divides the longest if there are too few.
func (src source) groupUnits(units []unit, n int) [][]unit {
	for len(units) < n {
		long := 0
		for i, u := range units {
			if u.to-u.from > units[long].to-units[long].from {
				long = i
			}
		}
		u := units[long]
		if u.to-u.from < 4 {
			break
		}
		half := (u.from + u.to + 1) / 2
		units = slices.Insert(units, long+1, unit{topic: u.topic, part: 1, from: half, to: u.to})
		units[long] = unit{topic: u.topic, part: 1, from: u.from, to: half}
	}
	for i := 1; i < len(units); i++ {
		if units[i].part > 0 && units[i-1].part > 0 && units[i].topic == units[i-1].topic {
			units[i].part = units[i-1].part + 1
		}
	}
	n = min(n, len(units))
	out := make([][]unit, n)
	for i, u := range units {
		at := i * n / len(units)
		out[at] = append(out[at], u)
	}
	return out
}

// maxNamed is the maximum number of sections of a session that are named; if there are more,
// only the first and the last are.
const maxNamed = 3

func unitNames(g []unit) []string {
	list := make([]string, len(g))
	for i, u := range g {
		list[i] = u.name()
	}
	return list
}

// sessionTopic names a session after its sections.
func sessionTopic(g []unit) string {
	if list := unitNames(g); len(list) <= maxNamed {
		return strings.Join(list, "; ")
	}
	return g[0].name() + " to " + g[len(g)-1].name()
}

// nameSections names the sections within a sentence.
func nameSections(g []unit) string {
	if len(g) <= maxNamed {
		return quoteNames(unitNames(g), maxNamed)
	}
	return fmt.Sprintf("“%s” to “%s”", g[0].name(), g[len(g)-1].name())
}

// planActivities lists what to do in session i.
func (src source) planActivities(groups [][]unit, i int, found []facts.Fact) []string {
	g := groups[i]
	from, to := g[0].from, g[len(g)-1].to
	var out []string
	if i > 0 {
		out = append(out, fmt.Sprintf("Before you begin, write down what you remember of %s.", nameSections(groups[i-1])))
	}
	out = append(out, fmt.Sprintf("Read %s (%d words) and mark what is new to you.", nameSections(g), src.wordsIn(g)))
	if terms := src.termsIn(from, to); len(terms) > 0 {
		out = append(out, "Learn what these mean: "+strings.Join(terms, ", ")+".")
	}
	if asked := questionsIn(found, from, to, 3); len(asked) > 0 {
		out = append(out, "Answer without looking: "+strings.Join(asked, " "))
	}
	if heavy := src.heaviest(from, to); heavy >= 0 {
		out = append(out, "Close the text and put this into your own words: “"+src.Sentences[heavy].Plain()+"”")
	}
	return out
}

// maxQuoted bounds a sentence that a plan quotes, in bytes.
const maxQuoted = 200

// heaviest returns the heaviest of sentences[from:to] that can be quoted, or -1.
func (src source) heaviest(from, to int) int {
	best := -1
	for i := from; i < to; i++ {
		if s := src.Sentences[i]; src.Sound(i) && len(s.Plain()) <= maxQuoted && (best < 0 || src.Rank(i) > src.Rank(best)) {
			best = i
		}
	}
	return best
}

// termsIn returns up to eight terms that sentences[from:to] define.
func (src source) termsIn(from, to int) []string {
	var out []string
	for _, k := range src.listKeyTerms() {
		if k.at >= from && k.at < to && len(out) < 8 && !slices.Contains(out, k.name) {
			out = append(out, k.name)
		}
	}
	return out
}

// questionsIn returns up to n questions that sentences[from:to] answer, reasons first.
func questionsIn(found []facts.Fact, from, to, n int) []string {
	var out []string
	for _, hard := range []bool{true, false} {
		for _, f := range found {
			fits := f.Kind != facts.Cloze && f.Kind != facts.Reverse && f.Kind != facts.Subject && strings.HasSuffix(f.Question, "?") && (f.Kind == facts.Why || f.Kind == facts.How) == hard
			if fits && f.At >= from && f.At < to && len(out) < n && !slices.Contains(out, f.Question) {
				out = append(out, f.Question)
			}
		}
	}
	return out
}

// planReview lists what to do in review i.
func (src source) planReview(i int, found []facts.Fact) []string {
	var out []string
	if terms := src.termsIn(0, len(src.Sentences)); len(terms) > 0 {
		out = append(out, "From memory, write a definition of each: "+strings.Join(terms, ", ")+".")
	}
	asked := questionsIn(found, 0, len(found)+len(src.Sentences), 8)
	if half := len(asked) / 2; half > 0 && i == 0 {
		asked = asked[:half]
	} else {
		asked = asked[half:]
	}
	if len(asked) > 0 {
		out = append(out, "Answer without looking: "+strings.Join(asked, " "))
	}
	return append(out, "Read again only the parts that you could not recall, and note them for next time.")
}
