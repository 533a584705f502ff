package study

import (
	"fmt"
	"slices"
	"strings"
)

// ExamPoints is the sum of the points of an exam's questions.
const ExamPoints = 100

// faults collects the faults of an aid. Each entry names a place by its JSON path and never quotes the aid, so that
// error messages may contain it.
type faults []string

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// text requires a text that is not blank.
func (f *faults) text(path, s string) {
	if strings.TrimSpace(s) == "" {
		f.add("%s is empty", path)
	}
}

// texts requires texts that are not blank in a list that may be empty.
func (f *faults) texts(path string, list []string) {
	for i, s := range list {
		f.text(fmt.Sprintf("%s[%d]", path, i), s)
	}
}

// some requires a list with at least one entry.
func (f *faults) some(path string, n int) {
	if n == 0 {
		f.add("%s is empty", path)
	}
}

// positive requires a number above 0.
func (f *faults) positive(path string, n int) {
	if n <= 0 {
		f.add("%s must be a whole number above 0", path)
	}
}

// oneOf requires one of the words.
func (f *faults) oneOf(path, s string, words ...string) {
	if !slices.Contains(words, s) {
		f.add("%s must be one of %s", path, strings.Join(words, ", "))
	}
}

// distinct requires texts that differ in more than case and spacing.
func (f *faults) distinct(path string, list []string) {
	seen := make(map[string]int, len(list))
	for i, s := range list {
		key := foldText(s)
		if first, ok := seen[key]; ok && key != "" {
			f.add("%s[%d] repeats %s[%d]", path, i, path, first)
			continue
		}
		seen[key] = i
	}
}

// foldText returns the same text for texts that differ only in case and spacing.
func foldText(s string) string {
	return strings.ToLower(strings.Join(strings.Fields(s), " "))
}

// Check implements Aid.
func (r *Reply) Check(Options) []string {
	var f faults
	f.text("response", r.Response)
	return f
}

// Check implements Aid.
func (s *FlashcardSet) Check(Options) []string {
	var f faults
	f.some("flashcards", len(s.Flashcards))
	questions := make([]string, len(s.Flashcards))
	for i, c := range s.Flashcards {
		questions[i] = c.Question
		f.card(fmt.Sprintf("flashcards[%d]", i), c)
	}
	f.distinct("flashcards", questions)
	f.texts("topics_covered", s.TopicsCovered)
	if s.TotalCount != len(s.Flashcards) {
		f.add("total_count must be the number of flashcards")
	}
	return f
}

func (f *faults) card(at string, c Flashcard) {
	f.text(at+".question", c.Question)
	f.text(at+".answer", c.Answer)
	f.text(at+".topic", c.Topic)
	f.oneOf(at+".difficulty", c.Difficulty, Easy, Medium, Hard)
}

// Check implements Aid.
func (s *QuizSet) Check(o Options) []string {
	var f faults
	f.text("quiz.title", s.Quiz.Title)
	f.some("quiz.questions", len(s.Quiz.Questions))
	f.questions("quiz.questions", s.Quiz.Questions, o, false)
	if s.TotalPoints != sumPoints(s.Quiz.Questions) {
		f.add("total_points must be the sum of the questions' points")
	}
	f.positive("estimated_time_minutes", s.EstimatedTimeMinutes)
	return f
}

// Check implements Aid.
func (s *ExamSet) Check(o Options) []string {
	var f faults
	f.text("exam.title", s.Exam.Title)
	f.some("exam.sections", len(s.Exam.Sections))
	sum, count := 0, 0
	for i, sec := range s.Exam.Sections {
		path := fmt.Sprintf("exam.sections[%d]", i)
		f.text(path+".section_name", sec.SectionName)
		f.text(path+".instructions", sec.Instructions)
		f.positive(path+".time_estimate_minutes", sec.TimeEstimateMinutes)
		f.some(path+".questions", len(sec.Questions))
		f.questions(path+".questions", sec.Questions, o, true)
		sum, count = sum+sumPoints(sec.Questions), count+len(sec.Questions)
	}
	f.examTotals(s, o, sum, count)
	return f
}

// examTotals checks the exam as a whole. An exam with fewer questions than requested sections has one section for each
// question.
func (f *faults) examTotals(s *ExamSet, o Options, sum, count int) {
	if sum != ExamPoints {
		f.add("the questions' points must add up to %d, not %d", ExamPoints, sum)
	}
	if s.Exam.TotalPoints != ExamPoints {
		f.add("exam.total_points must be %d", ExamPoints)
	}
	if want := min(o.Sections, count); want > 0 && len(s.Exam.Sections) != want {
		f.add("exam.sections must be %d sections, not %d", want, len(s.Exam.Sections))
	}
	f.positive("exam.duration_minutes", s.Exam.DurationMinutes)
	if o.DurationMinutes > 0 && s.Exam.DurationMinutes != o.DurationMinutes {
		f.add("exam.duration_minutes must be %d", o.DurationMinutes)
	}
	var all []string
	for _, sec := range s.Exam.Sections {
		all = append(all, questionTexts(sec.Questions)...)
	}
	f.distinct("questions", all)
}

// Check implements Aid. A point may have no details (that of a one-sentence text has none), and a text may contain no
// key terms.
func (s *SummarySet) Check(Options) []string {
	var f faults
	f.text("summary.title", s.Summary.Title)
	f.some("summary.main_points", len(s.Summary.MainPoints))
	points := make([]string, len(s.Summary.MainPoints))
	for i, p := range s.Summary.MainPoints {
		points[i] = p.Point
		f.mainPoint(fmt.Sprintf("summary.main_points[%d]", i), p)
	}
	f.distinct("summary.main_points", points)
	for i, t := range s.Summary.KeyTerms {
		f.keyTerm(fmt.Sprintf("summary.key_terms[%d]", i), t)
	}
	f.positive("word_count", s.WordCount)
	f.positive("estimated_reading_time_minutes", s.EstimatedReadingTimeMinutes)
	return f
}

func (f *faults) mainPoint(at string, p MainPoint) {
	f.text(at+".point", p.Point)
	f.oneOf(at+".importance", p.Importance, "high", "medium", "low")
}

func (f *faults) keyTerm(at string, t KeyTerm) {
	f.text(at+".term", t.Term)
	f.text(at+".definition", t.Definition)
}

// Check implements Aid. Notes may have no strengths or no gaps, but must have one of them.
func (s *AnalysisSet) Check(Options) []string {
	var f faults
	a := s.Analysis
	f.some("analysis.strengths and analysis.gaps together", len(a.Strengths)+len(a.Gaps))
	f.some("analysis.key_concepts", len(a.KeyConcepts))
	f.some("analysis.suggestions", len(a.Suggestions))
	f.texts("analysis.strengths", a.Strengths)
	f.texts("analysis.gaps", a.Gaps)
	f.texts("analysis.key_concepts", a.KeyConcepts)
	f.texts("analysis.suggestions", a.Suggestions)
	return f
}

// IsPart reports whether a settled summary or analysis contains something complete, although Check would reject it,
// because the end of the answer is missing. It is false for the other types: their complete items form an aid that
// passes Check.
func IsPart(a Aid) bool {
	switch s := a.(type) {
	case *SummarySet:
		return strings.TrimSpace(s.Summary.Text) != "" || len(s.Summary.MainPoints) > 0
	case *AnalysisSet:
		b := s.Analysis
		return len(b.Strengths)+len(b.Gaps)+len(b.KeyConcepts)+len(b.Suggestions) > 0
	default:
		return false
	}
}

// Check implements Aid. Days start at 1 and never decrease; a day may have several sessions.
func (s *PlanSet) Check(Options) []string {
	var f faults
	f.text("plan.title", s.Plan.Title)
	f.some("plan.sessions", len(s.Plan.Sessions))
	last := 1
	for i, sit := range s.Plan.Sessions {
		path := fmt.Sprintf("plan.sessions[%d]", i)
		if sit.Day < last {
			f.add("%s.day must count up from 1", path)
		}
		last = max(last, sit.Day)
		f.session(path, sit)
	}
	return f
}

func (f *faults) session(at string, s PlanSession) {
	f.text(at+".topic", s.Topic)
	f.some(at+".activities", len(s.Activities))
	f.texts(at+".activities", s.Activities)
	f.positive(at+".minutes", s.Minutes)
}
