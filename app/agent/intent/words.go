package intent

import (
	"strings"

	"studysharper/app/study"
)

// leadIns may precede a request without changing it.
var leadIns = patterns(
	"please", "pls", "plz", "kindly", "hey", "hi", "yo", "hello", "ok", "okay", "now", "then", "so", "also", "and", "just", "well",
	"thanks", "great", "yes", "studysharper", "can|could|would|will you|u", "can|could|would you please",
	"would|do you mind", "i want|need you to", "i would|'d like you to", "i'd like you to", "i'd love you to",
	"help me to", "help me", "let's|lets", "let's|lets have", "go ahead and", "time to", "try to",
)

// verbs of making, with the words that belong to them. The thing must follow.
var verbs = patterns(
	"make|create|generate|write|build|give|prepare|produce|draft|design|compose|get|provide|do|start",
	"making|creating|generating|writing|preparing",
	"set|draw|write up", "come up with", "put together", "whip up",
	"i need|want", "we need|want", "i would|'d like", "i'd like|love",
	"can|could|may i have|get",
)

// directs are phrases that are requests in themselves.
var directs = []struct {
	phrase pattern
	t      study.Type
}{
	{phrase("quiz|test me"), study.Quiz},
	{phrase("test my knowledge|understanding"), study.Quiz},
	{phrase("ask me questions"), study.Quiz},
	{phrase("ask me * questions on|about|from"), study.Quiz},
	{phrase("i want|need to be quizzed|tested on|about"), study.Quiz},
	{phrase("examine me"), study.Exam},
	{phrase("summarise|summarize|tldr"), study.Summary},
	{phrase("sum up"), study.Summary},
	{phrase("sum this|it|that|these up"), study.Summary},
	{phrase("condense my|the|this|these"), study.Summary},
	{phrase("analyse|analyze|review|evaluate|assess|critique|check my|these|this|the|our notes"), study.Analysis},
	{phrase("analyse|analyze|review|evaluate|assess|critique|check my|these|this|the|our * notes"), study.Analysis},
	{phrase("give me|us feedback on|about my|these|the|our notes"), study.Analysis},
	{phrase("give me|us feedback on|about my|these|the|our * notes"), study.Analysis},
	{phrase("find|show|identify|spot gaps in my|these|the|our notes"), study.Analysis},
	{phrase("find|show|identify|spot the gaps in my|these|the|our notes"), study.Analysis},
	{phrase("find|tell * what is|what's missing in|from my|these|the|our notes"), study.Analysis},
	{phrase("what is missing in|from my|these|the|our notes"), study.Analysis},
	{phrase("what's missing in|from my|these|the|our notes"), study.Analysis},
	{phrase("plan|schedule|organise|organize my studying|studies|revision"), study.Plan},
	{phrase("plan|schedule|organise|organize my study time|week|weeks|sessions"), study.Plan},
	{phrase("plan|schedule|organise|organize my * revision|studying"), study.Plan},
}

// name is a phrase that names a thing. Unless whole is set, it counts only at the end of the clause or before one of
// the followers. A plain name is too common to be a request without a verb.
type name struct {
	phrase       pattern
	t            study.Type
	whole, plain bool
}

var things = []name{
	{phrase: phrase("flashcard|flashcards"), t: study.Flashcards},
	{phrase: phrase("study|revision|anki|memory|learning cards"), t: study.Flashcards},
	{phrase: phrase("study|revision|learning plan|schedule|timetable"), t: study.Plan},
	{phrase: phrase("plan|schedule|timetable to|for study|studying|revise|revising|revision|learn|learning"), t: study.Plan, whole: true},
	{phrase: phrase("plan|schedule|timetable for my|the exam|exams|final|finals|midterm|midterms"), t: study.Plan, whole: true},
	{phrase: phrase("practice|mock|sample test|tests|exam|exams|paper"), t: study.Exam},
	{phrase: phrase("exam|exams|midterm"), t: study.Exam},
	{phrase: phrase("quiz|quizzes"), t: study.Quiz},
	{phrase: phrase("test|exam|practice|quiz|revision|choice|false|answer questions"), t: study.Quiz},
	{phrase: phrase("questions on|about|from|covering|based"), t: study.Quiz, whole: true, plain: true},
	{phrase: phrase("test on|about|from|covering|based"), t: study.Quiz, whole: true, plain: true},
	{phrase: phrase("summary|summaries|synopsis"), t: study.Summary},
	{phrase: phrase("key|main points|ideas|takeaways of|from|in"), t: study.Summary, whole: true, plain: true},
	{phrase: phrase("analysis of my|these|the|our notes"), t: study.Analysis, whole: true},
}

// fillers may occur between the verb and the thing.
var fillers = wordSet(`me us a an the one some few couple several another new more these this good nice quick short
	brief long detailed simple easy medium hard harder difficult challenging tough basic advanced set list batch bunch
	deck of full final complete comprehensive proper concise bullet point points page pages minute minutes hour hours
	word words mark marks day week paragraph sentence practice mock sample multiple choice true or false and answer
	question study revision exam test really up weekly daily personal timed little small big`)

// units after a number show that it does not count items.
var units = wordSet("minute minutes hour hours page pages point points word words mark marks paragraph sentence")

// followers may come directly after a thing without making it another thing, as "app" in "quiz app" or "results" in
// "exam results" does.
var followers = wordSet(`on about abt for from of covering with please based using that to in and out now which as so over
	regarding around at by pls plz thanks like including again`)

// Words used by individual forms.
var (
	transforms = wordSet("turn convert transform change make")               // … into
	subjects   = wordSet("on about abt for from of covering please pls plz") // after a thing without a verb
	counted    = wordSet("question questions card cards flashcard flashcards item items session sessions")
	rehearsals = wordSet("mock practice sample") // words that mark an exam as one to be made
)

// languages after "in" or "with" show that the request is for a program.
var languages = wordSet("python java javascript typescript html css react c php ruby rust go golang swift kotlin sql excel unity flutter")

// Words about the student's life, as in "a summary of my day", which is not study matter.
var (
	possessives = wordSet(`my our your his her their the this last`)
	life        = wordSet(`day days week weekend month year morning evening night life meeting meetings trip holiday vacation
		date party story situation mood feelings dream experience job weekend's breakup news`)
	lately = wordSet("happened today yesterday tonight")
	whens  = wordSet(`monday tuesday wednesday thursday friday saturday sunday tomorrow today tonight next
		january february march april may june july august september october november december`)
)

var numbers = map[string]int{"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
	"nine": 9, "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50}

func wordSet(words string) map[string]bool {
	set := make(map[string]bool)
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}
