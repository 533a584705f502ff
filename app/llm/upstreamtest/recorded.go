package upstreamtest

import (
	"bytes"
	"strings"

	"studysharper/app/study"
)

// recordedWants are the expected answers of recordings that differ from the good answer.
var recordedWants = map[string]string{
	"sse_length":     "Chlorophyll reflects green light, so leaves look gr",
	"sse_split_utf8": "Früh 😀 grün: the stroma.",
	"latex_valid_escapes": `{"flashcards":[{"question":"What is \\frac{1}{2} \\times \\theta of light energy?","answer":"Plants convert \\text{light} energy into chemical energy","topic":"Light","difficulty":"easy"},` +
		`{"question":"Where do light reactions happen, \\nabla?","answer":"in the thylakoid membranes \\rho","topic":"Light","difficulty":"easy"},` +
		`{"question":"Which light does chlorophyll reflect?","answer":"green light","topic":"Light","difficulty":"easy"}],"total_count":3,"topics_covered":["Light"]}`,
	"latex_invalid_escapes": strings.Replace(Good[study.Flashcards], "What is photosynthesis?", `What is photosynthesis \\(K_\\alpha\\)?`, 1),
	"plan_words":            `{"plan": {"title": "Plan", "sessions": [{"day": 1, "topic": "Light reactions", "activities": ["Read"], "minutes": 30}, {"day": 2, "topic": "Calvin cycle", "activities": ["Recall"], "minutes": 30}]}}`,
}

// recordedCase returns the behaviour as it was recorded, byte for byte.
func (b Behaviour) recordedCase(r Recorded) Case {
	c, _ := b.caseOf(r.Type, r.Stream)
	c.Recorded, c.First = true, r.Bytes()
	c.Usual = bytes.Equal(c.First, b.usual(r))
	if want := recordedWants[b.Name]; want != "" && !c.Usual {
		c.Want = want
	}
	if b.Name == "reset_midway" {
		c.First = c.First[:len(c.First)/2]
	}
	if c.Second == nil || r.Second == nil {
		c.Second = c.First
	}
	return c
}

// usual returns the recorded good answer of the same form.
func (b Behaviour) usual(r Recorded) []byte {
	if good := Behaviours()[0].recorded(r.Type, r.Stream); good != nil {
		return good.Bytes()
	}
	return nil
}
