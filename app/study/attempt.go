package study

import (
	"cmp"
	"slices"
	"time"
)

// ByStudent and ByRules are values of GradedAnswer.CheckedBy; any other value is the name of a model.
const (
	ByStudent = "student"
	ByRules   = "rules"
)

// Attempt is a graded attempt at a quiz or an exam, or at some of its questions. It contains a copy of the relevant
// fields of each question, because the aid may be edited afterwards.
type Attempt struct {
	ContentID   string                 `json:"content_id"`
	N           int64                  `json:"n"` // from 1, within the aid
	UserID      string                 `json:"user_id"`
	Answers     []GradedAnswer         `json:"answers"` // in the order of the aid
	Points      int                    `json:"points"`
	TotalPoints int                    `json:"total_points"` // of the questions in the attempt
	Wrong       []string               `json:"wrong"`        // ids of the items answered wrongly or not at all
	Topics      map[string]TopicPoints `json:"topics"`
	DurationMS  int64                  `json:"duration_ms"` // 0 = unknown
	Warnings    []string               `json:"warnings,omitempty"`
	CreatedAt   time.Time              `json:"created_at,omitzero"` // UTC
}

// GradedAnswer is a student's answer to a question, and its points.
type GradedAnswer struct {
	ItemID        string `json:"item_id"`
	Type          string `json:"type"`            // MultipleChoice | TrueFalse | ShortAnswer
	Topic         string `json:"topic,omitempty"` // "" = unknown
	Answer        any    `json:"answer"`          // an option's text, a bool, a text; nil = left blank
	Correct       bool   `json:"correct"`
	CorrectAnswer any    `json:"correct_answer"` // of the same type; for a short answer, the first accepted one
	Points        int    `json:"points"`         // Possible or 0
	Possible      int    `json:"possible"`
	CheckedBy     string `json:"checked_by"`
}

// TopicPoints are the points of a topic's questions.
type TopicPoints struct {
	Points   int `json:"points"`
	Possible int `json:"possible"`
}

// GivenAnswer is a student's answer to an item, before grading. nil = left blank.
type GivenAnswer struct {
	ItemID string `json:"item_id"`
	Answer any    `json:"answer"`
}

// OpenAnswer is a short answer that does not match an accepted answer.
type OpenAnswer struct {
	ItemID   string
	Question string
	Accepted []string
	Rubric   string
	Answer   string
}

// Mark sets whether the answer to an item is right. It reports whether the attempt contains the item. Call Sum
// afterwards.
func (a *Attempt) Mark(itemID string, correct bool, by string) bool {
	i := slices.IndexFunc(a.Answers, func(g GradedAnswer) bool { return g.ItemID == itemID })
	if i < 0 {
		return false
	}
	g := &a.Answers[i]
	if g.Correct, g.CheckedBy, g.Points = correct, by, 0; correct {
		g.Points = g.Possible
	}
	return true
}

// Sum derives the points, the wrong items and the topics from the answers.
func (a *Attempt) Sum() {
	a.Points, a.TotalPoints, a.Wrong, a.Topics = 0, 0, []string{}, map[string]TopicPoints{}
	for _, g := range a.Answers {
		a.Points += g.Points
		a.TotalPoints += g.Possible
		if !g.Correct {
			a.Wrong = append(a.Wrong, g.ItemID)
		}
		if g.Topic != "" {
			t := a.Topics[g.Topic]
			a.Topics[g.Topic] = TopicPoints{t.Points + g.Points, t.Possible + g.Possible}
		}
	}
}

// Limits of WeakTopics.
const (
	MaxWeakTopics = 5
	weakBelow     = 0.7 // of the possible points
)

// WeakTopics returns the topics in which a student got less than 70 % of the points, the worst first, at most five.
func WeakTopics(attempts []map[string]TopicPoints) []string {
	sums := map[string]TopicPoints{}
	for _, topics := range attempts {
		for name, t := range topics {
			s := sums[name]
			sums[name] = TopicPoints{s.Points + t.Points, s.Possible + t.Possible}
		}
	}
	weak := []string{}
	share := func(name string) float64 { return float64(sums[name].Points) / float64(sums[name].Possible) }
	for name, t := range sums {
		if t.Possible > 0 && share(name) < weakBelow {
			weak = append(weak, name)
		}
	}
	slices.SortFunc(weak, func(a, b string) int {
		return cmp.Or(cmp.Compare(share(a), share(b)), cmp.Compare(sums[b].Possible, sums[a].Possible), cmp.Compare(a, b))
	})
	return weak[:min(len(weak), MaxWeakTopics)]
}
