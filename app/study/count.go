package study

// Items returns the number of an aid's items, if their number can be requested: flashcards, questions, sessions. It is
// 0 for the other types.
func Items(a Aid) int {
	switch s := a.(type) {
	case *FlashcardSet:
		return len(s.Flashcards)
	case *QuizSet:
		return len(s.Quiz.Questions)
	case *ExamSet:
		n := 0
		for _, sec := range s.Exam.Sections {
			n += len(sec.Questions)
		}
		return n
	case *PlanSet:
		return len(s.Plan.Sessions)
	default:
		return 0
	}
}

// Asked returns the number of items that a request of the type asks for; 0 if it gives no number.
func Asked(t Type, o Options) int {
	switch t {
	case Flashcards, Plan:
		return o.Count
	case Quiz, Exam:
		return o.QuestionCount
	default:
		return 0
	}
}

// Shortfall returns how many of the requested items the aid lacks; none if the result is 0 or less. A shortfall is not
// a fault that Check reports, because a short text may not have enough content.
func Shortfall(a Aid, o Options) int {
	want := Asked(a.Type(), o)
	if want == 0 {
		return 0
	}
	return want - Items(a)
}
