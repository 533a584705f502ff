package study

// Items is how many of the things that can be asked for by number the aid holds:
// flashcards, questions, sittings. It is 0 for the other aids.
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

// Asked is how many items a request of the type asks for; 0 where it names no number.
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

// Shortfall is how many items the aid lacks of the number asked for: 0 or less is
// none. It is not a fault in the shape, so Check does not speak of it: a short text
// may hold no more.
func Shortfall(a Aid, o Options) int {
	want := Asked(a.Type(), o)
	if want == 0 {
		return 0
	}
	return want - Items(a)
}
