package validate

import (
	"slices"

	"studysharper/app/study"
)

// settleExam derives the values of an exam that depend on each other: the sections, their times, the points.
func settleExam(s *study.ExamSet, o study.Options) {
	e := &s.Exam
	e.TotalPoints = study.ExamPoints
	if o.DurationMinutes > 0 {
		e.DurationMinutes = o.DurationMinutes
	} else if e.DurationMinutes <= 0 {
		e.DurationMinutes = examMinutes
	}
	regroup(e, min(o.Sections, study.Items(s)))
	for i := range e.Sections {
		sec := &e.Sections[i]
		if sec.TimeEstimateMinutes <= 0 {
			sec.TimeEstimateMinutes = max(e.DurationMinutes*len(sec.Questions)/study.Items(s), 1)
		}
	}
	spreadPoints(s)
}

// trimExam removes the last question of the longest section, extra times, so that no section becomes empty before the
// others.
func trimExam(s *study.ExamSet, extra int) {
	for range extra {
		sec := &s.Exam.Sections[longestSection(s.Exam.Sections)]
		sec.Questions = sec.Questions[:len(sec.Questions)-1]
	}
	s.Exam.Sections = slices.DeleteFunc(s.Exam.Sections, func(sec study.ExamSection) bool { return len(sec.Questions) == 0 })
}

// longestSection returns the index of the section with the most questions, the last one if there are several.
func longestSection(sections []study.ExamSection) int {
	longest := 0
	for i := range sections {
		if len(sections[i].Questions) >= len(sections[longest].Questions) {
			longest = i
		}
	}
	return longest
}

// regroup merges the last sections, or splits the longest, until there are want sections; 0 = any number.
func regroup(e *study.ExamBody, want int) {
	if want <= 0 || len(e.Sections) == 0 || len(e.Sections) == want {
		return
	}
	for len(e.Sections) > want {
		last := e.Sections[len(e.Sections)-1]
		e.Sections = e.Sections[:len(e.Sections)-1]
		before := &e.Sections[len(e.Sections)-1]
		before.Questions = append(slices.Clip(before.Questions), last.Questions...)
		before.TimeEstimateMinutes += last.TimeEstimateMinutes
	}
	for len(e.Sections) < want {
		at := longestSection(e.Sections)
		sec := &e.Sections[at]
		if len(sec.Questions) < 2 {
			return
		}
		half := len(sec.Questions) / 2
		second := *sec
		second.SectionName += " (continued)"
		sec.Questions, second.Questions = slices.Clip(sec.Questions[:half]), slices.Clone(sec.Questions[half:])
		second.TimeEstimateMinutes -= sec.TimeEstimateMinutes / 2
		sec.TimeEstimateMinutes /= 2
		e.Sections = slices.Insert(e.Sections, at+1, second)
	}
}

// spreadPoints scales the questions' weights to a sum of 100, in proportion as far as whole points allow: each question
// gets its share, rounded down, of the points that the questions before it have left. Weights that are not positive are
// left for Check to report.
func spreadPoints(s *study.ExamSet) {
	sum, count := 0, 0
	for _, sec := range s.Exam.Sections {
		for _, q := range sec.Questions {
			if q.Points <= 0 {
				return
			}
			sum, count = sum+q.Points, count+1
		}
	}
	if count > study.ExamPoints {
		return
	}
	left := study.ExamPoints
	for _, sec := range s.Exam.Sections {
		for i := range sec.Questions {
			q := &sec.Questions[i]
			count--
			share := min(max(left*q.Points/sum, 1), left-count) // at least 1 for each question that follows
			sum, left, q.Points = sum-q.Points, left-share, share
		}
	}
}
