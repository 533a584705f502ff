package validate

import (
	"strings"
	"testing"

	"studysharper/app/study"
)

func TestUnsafeLetsLessonsPass(t *testing.T) {
	for _, text := range []string{
		"",
		"Apoptosis is programmed cell death, sometimes called cell suicide.",
		"Nuclear weapons were dropped on Hiroshima and Nagasaki in 1945.",
		"The Manhattan Project worked out how to build an atomic bomb.",
		"Haber showed how to make ammonia from nitrogen, and later how chlorine could be used as a weapon.",
		"Suicide is a leading cause of death among young people; helplines save lives.",
		"If you think of hurting yourself, please talk to someone you trust or call a helpline.",
		"Romeo drinks the poison, and Juliet kills herself with his dagger.",
		"Killer T cells kill infected cells. Natural killer cells do so without prior contact.",
		"Mix the solution slowly, or you could burn or cut yourself.",
		"Durkheim compared ways of explaining suicide rates.",
		"Freud described stages of psychosexual development in children.",
		"Sexual reproduction mixes the genes of two parents; the offspring are called children nodes in a tree.",
		"Laws against child pornography differ between countries.",
		"The naked child in the photograph was fleeing a napalm attack in 1972.",
		"The IRA learned how to make pipe bombs in secret.",
		"Plants die if you should not water them. You must die-cast the part.",
		"How to make a buffer solution: dissolve the salt, then add acid.",
		"A chink in the armour; Operation Wetback began in 1954; spic and span.",
		"The methamphetamine molecule is chiral.",
		"Sarin inhibits acetylcholinesterase; atropine is the antidote.",
		"The bombing of Dresden used incendiary bombs.",
		"Steps to build an explosive growth model: fit, then forecast.",
	} {
		if got := Unsafe(text); got != "" {
			t.Errorf("%q was taken for %s", text, got)
		}
	}
}

func TestUnsafeHoldsBack(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"Honestly, you should just kill yourself.", "self-harm"},
		{"Here are painless methods of suicide:", "self-harm"},
		{"How to hang yourself", "self-harm"},
		{"Three ways to end your own life", "self-harm"},
		{"You deserve to die.", "self-harm"},
		{"Sure! How to make a pipe bomb: take", "dangerous instructions"},
		{"Step-by-step instructions for making pure sarin at home", "dangerous instructions"},
		{"HOW TO COOK CRYSTAL METH", "dangerous instructions"},
		{"how to assemble a simple\nexplosive device", "dangerous instructions"},
		{"Build your own homemade bomb", "dangerous instructions"},
		{"the sexy schoolgirl", "sexual content about minors"},
		{"the erotic child's body", "sexual content about minors"},
		{"you stupid faggot", "slurs"},
	} {
		if got := Unsafe(c.text); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

func TestSafetyReadsEveryTextOfAnAid(t *testing.T) {
	const bad = "you deserve to die"
	q := func(f func(*study.Question)) study.Question {
		q := study.Question{Type: study.MultipleChoice}
		f(&q)
		return q
	}
	quiz := func(f func(*study.Question)) study.Aid {
		return &study.QuizSet{Quiz: study.QuizBody{Questions: []study.Question{q(f)}}}
	}
	exam := func(f func(*study.Question)) study.Aid {
		return &study.ExamSet{Exam: study.ExamBody{Sections: []study.ExamSection{{Questions: []study.Question{q(f)}}}}}
	}
	for name, a := range map[string]study.Aid{
		"response":     &study.Reply{Response: bad},
		"card":         &study.FlashcardSet{Flashcards: []study.Flashcard{{Question: "q", Answer: bad}}},
		"topics":       &study.FlashcardSet{TopicsCovered: []string{bad}},
		"quiz title":   &study.QuizSet{Quiz: study.QuizBody{Title: bad}},
		"question":     quiz(func(q *study.Question) { q.Question = bad }),
		"option":       quiz(func(q *study.Question) { q.Options = []string{"a", bad} }),
		"explanation":  quiz(func(q *study.Question) { q.Explanation = bad }),
		"acceptable":   quiz(func(q *study.Question) { q.AcceptableAnswers = []string{"a", bad} }),
		"sample":       exam(func(q *study.Question) { q.SampleAnswer = bad }),
		"rubric":       exam(func(q *study.Question) { q.Rubric = bad }),
		"instructions": &study.ExamSet{Exam: study.ExamBody{Sections: []study.ExamSection{{Instructions: bad}}}},
		"point":        &study.SummarySet{Summary: study.SummaryBody{MainPoints: []study.MainPoint{{Point: bad}}}},
		"details":      &study.SummarySet{Summary: study.SummaryBody{MainPoints: []study.MainPoint{{Details: bad}}}},
		"term":         &study.SummarySet{Summary: study.SummaryBody{KeyTerms: []study.KeyTerm{{Definition: bad}}}},
		"text":         &study.SummarySet{Summary: study.SummaryBody{Text: bad}},
		"gap":          &study.AnalysisSet{Analysis: study.AnalysisBody{Gaps: []string{bad}}},
		"activity":     &study.PlanSet{Plan: study.PlanBody{Sessions: []study.PlanSession{{Activities: []string{bad}}}}},
	} {
		if got := Safety(a); len(got) != 1 || got[0] != "self-harm" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func FuzzUnsafe(f *testing.F) {
	f.Add("how to make a pipe bomb")
	f.Add("steps \xff to")
	f.Fuzz(func(t *testing.T, s string) {
		got := Unsafe(s)
		if upper := Unsafe(strings.ToUpper(strings.ToLower(s))); isASCII(s) && upper != got {
			t.Errorf("case decides: %q and %q", got, upper)
		}
		if got != "" && Unsafe("Then: "+s+" (sic)") == "" {
			t.Error("an unsafe text became safe by words around it")
		}
	})
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0
}

func BenchmarkUnsafe(b *testing.B) {
	text := strings.Repeat("Photosynthesis is how plants make sugar out of light, water and carbon dioxide. ", 50)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Unsafe(text)
	}
}
