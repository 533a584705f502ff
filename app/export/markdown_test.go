package export

import (
	"strings"
	"testing"

	"studysharper/app/study"
)

func TestMarkdownHoldsWhatTheAidSays(t *testing.T) {
	for kind, test := range map[study.Type]struct {
		data values
		want []string // in this order
	}{
		study.Flashcards: {values{"flashcards": []values{{"question": "Q\n1", "answer": "A1", "source": values{"section": "S", "page": 2}}}},
			[]string{"# T\n", "## 1. Q 1\n", "A1\n", "> S, page 2\n"}},
		study.Quiz: {values{"quiz": values{"questions": []values{
			{"type": "multiple_choice", "question": "Which?", "options": []string{"x", "y"}, "correct_answer": "y", "explanation": "since", "points": 2},
			{"type": "true_false", "question": "So?", "correct_answer": false, "points": 1},
			{"type": "short_answer", "question": "What\nis it?", "acceptable_answers": []string{"this", "that"}}}}},
			[]string{"1. Which? (2 points)\n", "- A) x\n", "- B) y\n", "2. So? (1 point)\n", "- True\n", "3. What\n    is it?\n", "## Key\n",
				"1. **B) y**\n\n    since\n", "2. **False**\n", "3. **this / that**\n"}},
		study.Exam: {values{"exam": values{"sections": []values{{"section_name": "Part A", "instructions": "Do it.", "questions": []values{
			{"type": "short_answer", "question": "Why?", "sample_answer": "Because.", "rubric": "2 for why", "points": 100}}}}}},
			[]string{"## Part A\n", "Do it.\n", "1. Why? (100 points)\n", "## Key\n", "1. **Because.**\n\n    Rubric: 2 for why\n"}},
		study.Summary: {values{"summary": values{"text": "All of it.", "main_points": []values{{"point": "P", "details": "D"}}, "key_terms": []values{{"term": "K", "definition": "V"}}}},
			[]string{"All of it.\n", "## Main points\n", "- **P**\n  D\n", "## Key terms\n", "- **K**: V\n"}},
		study.Analysis: {values{"analysis": values{"strengths": []string{"s"}, "gaps": []string{}, "key_concepts": []string{"k"}, "suggestions": []string{"do"}}},
			[]string{"## Strengths\n", "- s\n", "## Key concepts\n", "- k\n", "## Suggestions\n", "- do\n"}},
		study.Plan: {values{"plan": values{"sessions": []values{{"day": 1, "topic": "X", "activities": []string{"read"}, "minutes": 30}, {"day": 1, "topic": "Y", "minutes": 10}, {"day": 2, "topic": "Z", "minutes": 5}}}},
			[]string{"## Day 1\n", "### X (30 min)\n", "- [ ] read\n", "### Y (10 min)\n", "## Day 2\n", "### Z (5 min)\n"}},
	} {
		rest := string(written(t, content(t, kind, "T", test.data), Markdown))
		for _, want := range test.want {
			_, after, found := strings.Cut(rest, want)
			if !found {
				t.Errorf("%s: %q is missing in %q", kind, want, rest)
				break
			}
			rest = after
		}
		if kind == study.Analysis && strings.Contains(rest, "Gaps") {
			t.Errorf("an empty list has a heading: %q", rest)
		}
	}
}

func TestTheQuestionsOfAnExamDoNotGiveTheirAnswersAway(t *testing.T) {
	c := content(t, study.Quiz, "T", values{"quiz": values{"questions": []values{
		{"type": "short_answer", "question": "Capital of France?", "acceptable_answers": []string{"Paris"}, "explanation": "It is Paris", "source": values{"quote": "Paris is the capital"}}}}})
	before, after, found := strings.Cut(string(written(t, c, Markdown)), "## Key")
	if !found || strings.Contains(before, "Paris") || strings.Count(after, "Paris") != 3 {
		t.Errorf("%q, then %q", before, after)
	}
}
