package study

// Type says what a student asks for.
type Type string

// The request types, named as on the wire.
const (
	Chat       Type = "chat"
	Flashcards Type = "flashcard_generation"
	Quiz       Type = "quiz_generation"
	Exam       Type = "exam_generation"
	Summary    Type = "summary_generation"
	Analysis   Type = "note_analysis"
	Plan       Type = "study_plan"
)

// Grading is the type of an execution that graded short answers; no request has it.
const Grading Type = "answer_grading"

// Types lists every request type, in the order they are documented.
func Types() []Type {
	return []Type{Chat, Flashcards, Quiz, Exam, Summary, Analysis, Plan}
}

// Bounds of a request. Counts above a maximum are lowered to it and the answer
// says so; everything else out of bounds is refused with CodeInvalid.
const (
	MaxIDRunes     = 128 // user_id
	MaxNoteIDs     = 20
	MaxFocusAreas  = 10
	MaxTopicRunes  = 200
	MaxItems       = 50  // flashcards, questions, plan sessions
	MaxSections    = 10  // of an exam
	MaxExamMinutes = 480 // duration_minutes
)

// Request is one thing asked of the agents, checked. As settles its type, Filled fills
// in what was left open.
type Request struct {
	Type      Type
	UserID    string
	SessionID string // UUID, lower case; "" until InSession
	Message   string
	Options   Options
	NoteIDs   []string // UUIDs of notes to draw the answer from

	Given    []string // names of the options the student sent, sorted
	Ignored  []string // those that the type does not know; set by As
	Warnings []string // what was changed to fit a bound, for the student to read
	NoCache  bool     // Cache-Control: no-cache

	// Clients are who a call of the model counts for, under the limits of runs; none = nobody. They name addresses, and
	// are not kept with the request.
	Clients []string `json:"-"`

	Trace string `json:",omitempty"` // traceparent of the HTTP request, see package trace; "" = none

	NewSession bool // the session was made for this request: nobody has it yet; set by InSession
}

// InSession gives the request a session of its own, with an id of newID's, where it
// names none.
func (r Request) InSession(newID func() string) Request {
	if r.SessionID == "" {
		r.SessionID, r.NewSession = newID(), true
	}
	return r
}

// Options are the wishes a request may carry. Which of them a type knows stands
// in knownOptions; a type's unknown options keep their zero value.
type Options struct {
	Content         string   `json:"content,omitempty"` // source text; "" = notes, or the message itself
	Topic           string   `json:"topic,omitempty"`
	Difficulty      string   `json:"difficulty,omitempty"`     // easy | medium | hard | adaptive
	Count           int      `json:"count,omitempty"`          // flashcards; sessions of a plan
	QuestionCount   int      `json:"question_count,omitempty"` // quiz, exam
	QuestionTypes   []string `json:"question_types,omitempty"` // multiple_choice | true_false | short_answer
	DurationMinutes int      `json:"duration_minutes,omitempty"`
	Sections        int      `json:"sections,omitempty"`
	Length          string   `json:"length,omitempty"` // short | medium | long
	Style           string   `json:"style,omitempty"`  // bullet_points | paragraph | outline
	FocusAreas      []string `json:"focus_areas,omitempty"`
}

// The values options take on the wire.
const (
	Easy     = "easy"
	Medium   = "medium"
	Hard     = "hard"
	Adaptive = "adaptive"

	MultipleChoice = "multiple_choice"
	TrueFalse      = "true_false"
	ShortAnswer    = "short_answer"

	Short = "short"
	Long  = "long"

	BulletPoints = "bullet_points"
	Paragraph    = "paragraph"
	Outline      = "outline"
)
