package study

// Type is the type of a request.
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

// Types returns every request type, in the order of the documentation.
func Types() []Type {
	return []Type{Chat, Flashcards, Quiz, Exam, Summary, Analysis, Plan}
}

// Limits of a request. Counts above a maximum are lowered to it, with a warning; anything else beyond a limit is
// refused with CodeInvalid.
const (
	MaxIDRunes     = 128 // user_id
	MaxNoteIDs     = 20
	MaxFocusAreas  = 10
	MaxTopicRunes  = 200
	MaxItems       = 50  // flashcards, questions, plan sessions
	MaxSections    = 10  // of an exam
	MaxExamMinutes = 480 // duration_minutes
)

// Request is a validated request. As sets its type, Filled sets the options that the student did not set.
type Request struct {
	Type      Type
	UserID    string
	SessionID string // UUID, lower case; "" until InSession
	Message   string
	Options   Options
	NoteIDs   []string // UUIDs of notes to draw the answer from

	Given    []string // names of the options the student sent, sorted
	Ignored  []string // the options that the type does not use; set by As
	Warnings []string // what was changed to stay within a limit, for the student to read
	NoCache  bool     // Cache-Control: no-cache

	// Clients are the clients whose run limits a call of the model counts against; none = it is not counted. They
	// contain addresses and are not stored with the request.
	Clients []string `json:"-"`

	Trace string `json:",omitempty"` // traceparent of the HTTP request, see package trace; "" = none

	NewSession bool // the session was created for this request and is not known to any client; set by InSession
}

// InSession returns the request with a new session, whose id newID returns, if it names none.
func (r Request) InSession(newID func() string) Request {
	if r.SessionID == "" {
		r.SessionID, r.NewSession = newID(), true
	}
	return r
}

// Options are the options of a request. knownOptions lists which of them a type uses; the others keep their zero value.
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

// The values of options on the wire.
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
