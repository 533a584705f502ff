package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"studysharper/app/offline/facts"
	"studysharper/app/study"
	"studysharper/app/text"
)

const (
	defaultMinutes  = 30
	defaultSessions = 10 // at most, when no count is asked for
	minPlanned      = 3  // content words that are worth a plan
)

// A unit is a stretch of the source for one session: sentences[from:to].
type unit struct {
	topic    string
	part     int // from 1 when a section was divided, else 0
	from, to int
}

func (u unit) name() string {
	if u.part == 0 {
		return u.topic
	}
	return fmt.Sprintf("%s (part %d)", u.topic, u.part)
}

// makePlan makes Options.Count sessions (0: one for each section plus reviews, at most ten) of
// Options.DurationMinutes (0: 30). Plans of three or more sessions end with a review two days
// after the last new material; plans of six or more have a second review a week after it.
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
	found := src.Facts(ctx)
	minutes := orDefault(b.Options.DurationMinutes, defaultMinutes)
	body := study.PlanBody{Title: src.titleFor("Study plan", b.Options)}
	for i, g := range groups {
		body.Sessions = append(body.Sessions, study.PlanSession{Day: i + 1, Topic: sessionTopic(g), Minutes: minutes, Activities: src.planActivities(groups, i, found)})
	}
	for i := range reviewsIn(n) {
		body.Sessions = append(body.Sessions, study.PlanSession{Day: len(groups) + []int{2, 7}[i], Topic: fmt.Sprintf("Review %d: everything so far", i+1), Minutes: minutes, Activities: src.planReview(i, found)})
	}
	return &study.PlanSet{Plan: body}
}

// defaultCount is one session for each section, plus the reviews of a plan of that length.
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

// listUnits returns the sections that have sentences.
func (src source) listUnits() []unit {
	var out []unit
	for _, s := range src.Sections {
		if s.To > s.From {
			out = append(out, unit{topic: src.TopicAt(s.From), from: s.From, to: s.To})
		}
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

// maxNamed is how many sections of a session are named; if there are more, only the first
// and the last are.
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
	words := 0
	for _, s := range src.Plain[from:to] {
		words += len(strings.Fields(s))
	}
	out = append(out, fmt.Sprintf("Read %s (%d words) and mark what is new to you.", nameSections(g), words))
	if terms := src.termsIn(from, to); len(terms) > 0 {
		out = append(out, "Learn what these mean: "+strings.Join(terms, ", ")+".")
	}
	if asked := questionsIn(found, from, to, 3); len(asked) > 0 {
		out = append(out, "Answer without looking: "+strings.Join(asked, " "))
	}
	heavy := from
	for j := from; j < to; j++ {
		if s := src.Sentences[j]; s.Alone && (s.Rank > src.Sentences[heavy].Rank || !src.Sentences[heavy].Alone) {
			heavy = j
		}
	}
	return append(out, "Close the text and put this into your own words: “"+shortenQuote(src.Sentences[heavy].Plain)+"”")
}

// shortenQuote cuts a long quotation.
func shortenQuote(s string) string {
	const most = 200 // bytes
	if len(s) <= most {
		return s
	}
	return text.Clip(s, most) + " …"
}

func (src source) termsIn(from, to int) []string {
	var out []string
	for _, d := range src.Defs {
		if d.At >= from && d.At < to && len(out) < 8 && !slices.Contains(out, d.Term) {
			out = append(out, d.Term)
		}
	}
	return out
}

// questionsIn returns up to n questions that sentences from to to answer, reasons first.
func questionsIn(found []facts.Fact, from, to, n int) []string {
	var out []string
	for _, hard := range []bool{true, false} {
		for _, f := range found {
			fits := f.Kind != facts.Cloze && f.Kind != facts.Reverse && f.Kind != facts.Subject && (f.Kind == facts.Why || f.Kind == facts.How) == hard
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
	return append(out, "Read again only what you could not recall, and note it for the next time.")
}
