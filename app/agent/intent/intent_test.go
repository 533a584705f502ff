package intent

import (
	"strings"
	"testing"

	"studysharper/app/study"
)

func TestOfKnowsWhatIsAskedFor(t *testing.T) {
	for _, c := range []struct {
		message string
		want    study.Type
		count   int
	}{
		{"make me 10 flashcards on photosynthesis", study.Flashcards, 10},
		{"Make flashcards.", study.Flashcards, 0},
		{"Can you please create five flash cards about the French Revolution?", study.Flashcards, 5},
		{"I need some flashcards for my biology exam", study.Flashcards, 0},
		{"flashcards on mitosis please", study.Flashcards, 0},
		{"20 flashcards", study.Flashcards, 20},
		{"Could you turn these notes into flashcards?", study.Flashcards, 0},
		{"I have an exam tomorrow, so please generate a set of 12 flashcards from my notes", study.Flashcards, 12},
		{"I'd like a deck of revision cards on cell division", study.Flashcards, 0},
		{"make 900 flashcards", study.Flashcards, study.MaxItems},
		{"Hi! Help me make flashcards out of chapter 3", study.Flashcards, 0},
		{"quiz me", study.Quiz, 0},
		{"Quiz me on the water cycle", study.Quiz, 0},
		{"Please test me on irregular verbs", study.Quiz, 0},
		{"test my knowledge of osmosis", study.Quiz, 0},
		{"Give me a short quiz about World War II", study.Quiz, 0},
		{"can I have a quiz on acids and bases", study.Quiz, 0},
		{"ask me 5 questions about volcanoes", study.Quiz, 0},
		{"give me 5 questions about volcanoes", study.Quiz, 5},
		{"10 multiple choice questions on enzymes", study.Quiz, 10},
		{"write some practice questions for chapter 4", study.Quiz, 0},
		{"let's do a 15 minute quiz on algebra", study.Quiz, 0},
		{"ok now convert the summary into a quiz", study.Quiz, 0},
		{"make a test on Newton's laws", study.Quiz, 0},
		{"Make me a practice exam on thermodynamics", study.Exam, 0},
		{"create a mock test with 20 questions", study.Exam, 20},
		{"I want a full exam about cell biology", study.Exam, 0},
		{"mock exam on linear algebra", study.Exam, 0},
		{"examine me on chapter 2", study.Exam, 0},
		{"generate a 60 minute exam", study.Exam, 0},
		{"summarise the following text: cells are the units of life", study.Summary, 0},
		{"Summarize this", study.Summary, 0},
		{"could you sum up the chapter", study.Summary, 0},
		{"I need a summary of chapter 3", study.Summary, 0},
		{"give me a brief summary of the Treaty of Versailles", study.Summary, 0},
		{"TL;DR of the notes below", study.Summary, 0},
		{"give me the key points of this text", study.Summary, 0},
		{"summary of the krebs cycle", study.Summary, 0},
		{"Can you review my notes?", study.Analysis, 0},
		{"analyse my biology lecture notes", study.Analysis, 0},
		{"give me feedback on my notes", study.Analysis, 0},
		{"What is missing from my notes?", study.Analysis, 0},
		{"find the gaps in my notes", study.Analysis, 0},
		{"make me a study plan for finals", study.Plan, 0},
		{"Create a 5 day revision timetable", study.Plan, 5},
		{"help me plan my revision", study.Plan, 0},
		{"I need a plan to study organic chemistry", study.Plan, 0},
		{"build a schedule for my exam next week", study.Plan, 0},
	} {
		if got, count := Of(c.message); got != c.want || count != c.count {
			t.Errorf("%q: got %s, %d, want %s, %d", c.message, got, count, c.want, c.count)
		}
	}
}

func TestOfLeavesConversationAlone(t *testing.T) {
	for _, message := range []string{
		"", "?!", "hello",
		"What is photosynthesis?",
		"When do I get my test results?",
		"The test results were surprising",
		"Here is a quick summary of my day: I overslept",
		"A quick summary of my day: I overslept",
		"give me a summary of my day",
		"quick summary of what happened today",
		"summarise my week",
		"How do I make a quiz app in Python?",
		"write a quiz in Python",
		"create a quiz app",
		"make a flashcard generator with React",
		"How do flashcards work?",
		"Are flashcards better than summaries?",
		"Should I make flashcards or write a summary?",
		"Don't make flashcards, just explain it",
		"I don't want a quiz",
		"I failed my exam",
		"I have an exam on Friday",
		"exam on Friday",
		"2 exams on monday",
		"exam tomorrow!",
		"My quiz results were bad",
		"I made 10 flashcards yesterday",
		"My teacher asked me to make a quiz",
		"Can you explain how to write a good summary?",
		"what makes a good study plan?",
		"help me understand this quiz question",
		"make me feel ready for the exam",
		"I want to pass the exam",
		"give me some exam tips",
		"I need help with my exam",
		"I need an exam accommodation letter",
		"write a summary judgment motion",
		"show me my flashcards",
		"write a test for my function",
		"a couple of questions about the homework",
		"I have 3 questions about osmosis",
		"give me questions to ask in an interview",
		"plan my study abroad semester",
		"explain the difference between test tubes and beakers",
		"give me my quiz results",
		"take the exam seriously",
		"was ist ein Quiz?",
	} {
		if got, count := Of(message); got != study.Chat || count != 0 {
			t.Errorf("%q: got %s, %d, want a chat", message, got, count)
		}
	}
}

func TestOfReadsTheHeadOfAMessageOnly(t *testing.T) {
	if got, _ := Of(strings.Repeat("One. ", maxClauses) + "Quiz me."); got != study.Chat {
		t.Errorf("a request after %d clauses was recognized: %s", maxClauses, got)
	}
	if got, _ := Of(strings.Repeat("One. ", maxClauses-1) + "Quiz me."); got != study.Quiz {
		t.Errorf("the request in clause %d was missed: %s", maxClauses, got)
	}
}

func FuzzOf(f *testing.F) {
	f.Add("make me 10 flashcards on photosynthesis")
	f.Add("turn my \xff notes into")
	f.Add("can you please tell me what is missing from my notes 999 minute")
	f.Fuzz(func(t *testing.T, message string) {
		got, count := Of(message)
		if count < 0 || count > study.MaxItems {
			t.Errorf("count %d", count)
		}
		if study.NewAid(got) == nil {
			t.Errorf("unknown type %q", got)
		}
		if again, c := Of(message); again != got || c != count {
			t.Error("a second look at the same message saw another thing")
		}
	})
}

func BenchmarkOf(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Of("I have an exam tomorrow, so could you please explain what photosynthesis is and why it matters?")
	}
}
