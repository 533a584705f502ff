package study

import (
	"fmt"
	"slices"
	"strings"
)

// Prune removes the items of an aid that Check would reject or that repeat an earlier one, and returns their faults in
// Check's wording. Faults of the aid as a whole are left for Check.
func Prune(a Aid, o Options) []string {
	p := pruner{seen: make(map[string]bool)}
	switch s := a.(type) {
	case *FlashcardSet:
		s.Flashcards = prune(&p, "flashcards", s.Flashcards,
			func(f *faults, at string, c Flashcard) string { f.card(at, c); return c.Question })
	case *QuizSet:
		s.Quiz.Questions = p.questions("quiz.questions", s.Quiz.Questions, o, false)
	case *ExamSet:
		for i := range s.Exam.Sections {
			sec := &s.Exam.Sections[i]
			sec.Questions = p.questions(fmt.Sprintf("exam.sections[%d].questions", i), sec.Questions, o, true)
		}
		s.Exam.Sections = slices.DeleteFunc(s.Exam.Sections, func(sec ExamSection) bool { return len(sec.Questions) == 0 })
	case *SummarySet:
		s.Summary.MainPoints = prune(&p, "summary.main_points", s.Summary.MainPoints,
			func(f *faults, at string, m MainPoint) string { f.mainPoint(at, m); return m.Point })
		s.Summary.KeyTerms = prune(&p, "summary.key_terms", s.Summary.KeyTerms,
			func(f *faults, at string, t KeyTerm) string { f.keyTerm(at, t); return "term " + t.Term })
	case *AnalysisSet:
		for _, list := range []*[]string{&s.Analysis.Strengths, &s.Analysis.Gaps, &s.Analysis.KeyConcepts, &s.Analysis.Suggestions} {
			*list = slices.DeleteFunc(*list, func(line string) bool { return strings.TrimSpace(line) == "" })
		}
	case *PlanSet:
		s.Plan.Sessions = prune(&p, "plan.sessions", s.Plan.Sessions,
			func(f *faults, at string, sit PlanSession) string { f.session(at, sit); return "" })
	}
	return p.faults
}

type pruner struct {
	faults faults
	seen   map[string]bool // keys of the items kept
}

func (p *pruner) questions(path string, list []Question, o Options, exam bool) []Question {
	return prune(p, path, list, func(f *faults, at string, q Question) string {
		f.question(at, q, o, exam)
		return q.Question
	})
}

// prune keeps the items in which check finds no fault. check returns the item's key; items with equal keys are repeats,
// unless the key is "".
func prune[T any](p *pruner, path string, list []T, check func(f *faults, at string, item T) string) []T {
	kept := list[:0]
	for i, item := range list {
		var f faults
		at := fmt.Sprintf("%s[%d]", path, i)
		key := foldText(check(&f, at, item))
		if len(f) == 0 && key != "" && p.seen[key] {
			f.add("%s repeats an earlier one", at)
		}
		if len(f) > 0 {
			p.faults = append(p.faults, f...)
			continue
		}
		p.seen[key] = true
		kept = append(kept, item)
	}
	return kept
}
