package study

import "encoding/json"

// Aid is the output of an agent: the value of `result.data`, in the shape of its type. The concrete types are
// FlashcardSet, QuizSet, ExamSet, SummarySet, AnalysisSet, PlanSet and Reply, each a pointer.
type Aid interface {
	// Type returns the request type that the aid answers.
	Type() Type
	// Check returns the faults in the aid's shape, given the options of the request: a wrong count, a missing field, an
	// answer that is not an option. It is empty if there are none.
	Check(Options) []string
}

// Flashcard is one question with its answer.
type Flashcard struct {
	Question   string `json:"question"`
	Answer     string `json:"answer"`
	Topic      string `json:"topic"`
	Difficulty string `json:"difficulty"` // easy | medium | hard
	Origin
}

// FlashcardSet answers Flashcards.
type FlashcardSet struct {
	Flashcards    []Flashcard `json:"flashcards"`
	TotalCount    int         `json:"total_count"`
	TopicsCovered []string    `json:"topics_covered"`
}

// Question is one question of a quiz or an exam section.
type Question struct {
	Type              string   `json:"type"` // multiple_choice | true_false | short_answer
	Question          string   `json:"question"`
	Options           []string `json:"options,omitempty"`            // 4, multiple choice only
	CorrectAnswer     any      `json:"correct_answer,omitempty"`     // an option's text, or a bool for true_false
	AcceptableAnswers []string `json:"acceptable_answers,omitempty"` // short_answer, quiz
	SampleAnswer      string   `json:"sample_answer,omitempty"`      // short_answer, exam
	Rubric            string   `json:"rubric,omitempty"`             // exam
	Explanation       string   `json:"explanation,omitempty"`
	Points            int      `json:"points"`
	Origin
}

// QuizBody is a titled list of questions.
type QuizBody struct {
	Title     string     `json:"title"`
	Questions []Question `json:"questions"`
}

// QuizSet answers Quiz.
type QuizSet struct {
	Quiz                 QuizBody `json:"quiz"`
	TotalPoints          int      `json:"total_points"`
	EstimatedTimeMinutes int      `json:"estimated_time_minutes"`
}

// ExamSection is one part of an exam.
type ExamSection struct {
	SectionName         string     `json:"section_name"`
	Instructions        string     `json:"instructions"`
	TimeEstimateMinutes int        `json:"time_estimate_minutes"`
	Questions           []Question `json:"questions"`
}

// ExamBody is a titled exam of 100 points in total.
type ExamBody struct {
	Title           string        `json:"title"`
	DurationMinutes int           `json:"duration_minutes"`
	TotalPoints     int           `json:"total_points"` // always 100
	Sections        []ExamSection `json:"sections"`
}

// ExamSet answers Exam.
type ExamSet struct {
	Exam ExamBody `json:"exam"`
}

// MainPoint is one point of a summary.
type MainPoint struct {
	Point      string `json:"point"`
	Details    string `json:"details"`
	Importance string `json:"importance"` // high | medium | low
	Origin
}

// KeyTerm is a term with its definition.
type KeyTerm struct {
	Term       string `json:"term"`
	Definition string `json:"definition"`
	Origin
}

// SummaryBody is a titled summary.
type SummaryBody struct {
	Title      string      `json:"title"`
	MainPoints []MainPoint `json:"main_points"`
	KeyTerms   []KeyTerm   `json:"key_terms"`
	Text       string      `json:"text,omitempty"` // the summary in the requested style
}

// SummarySet answers Summary.
type SummarySet struct {
	Summary                     SummaryBody `json:"summary"`
	WordCount                   int         `json:"word_count"`
	EstimatedReadingTimeMinutes int         `json:"estimated_reading_time_minutes"`
}

// AnalysisBody lists the strengths and gaps of notes, their key concepts, and suggestions.
type AnalysisBody struct {
	Strengths   []string `json:"strengths"`
	Gaps        []string `json:"gaps"`
	KeyConcepts []string `json:"key_concepts"`
	Suggestions []string `json:"suggestions"`
}

// AnalysisSet answers Analysis.
type AnalysisSet struct {
	Analysis AnalysisBody `json:"analysis"`
}

// PlanSession is one session of a study plan.
type PlanSession struct {
	ID         string   `json:"id,omitempty"` // unique within the aid
	Day        int      `json:"day"`          // from 1
	Topic      string   `json:"topic"`
	Activities []string `json:"activities"`
	Minutes    int      `json:"minutes"`
}

// PlanBody is a titled list of sessions.
type PlanBody struct {
	Title    string        `json:"title"`
	Sessions []PlanSession `json:"sessions"`
}

// PlanSet answers Plan.
type PlanSet struct {
	Plan PlanBody `json:"plan"`
}

// Reply answers Chat.
type Reply struct {
	Response    string      `json:"response"`
	Citations   []Source    `json:"citations"` // the places in the material that the response quotes
	ContextUsed ContextUsed `json:"context_used"`
}

// MarshalJSON implements json.Marshaler: lists are never null.
func (r Reply) MarshalJSON() ([]byte, error) {
	type fields Reply // without this method
	r.Citations = append([]Source{}, r.Citations...)
	r.ContextUsed.Notes = append([]NoteUsed{}, r.ContextUsed.Notes...)
	return json.Marshal(fields(r))
}

// ContextUsed lists the sources that an answer was drawn from; it counts only what the model received.
type ContextUsed struct {
	Notes    []NoteUsed `json:"notes"`
	Messages int        `json:"messages"`
	Content  bool       `json:"content"` // whether the student's own text was used
	Share    float64    `json:"share"`   // of these notes and that text, from 0 to 1
}

// NoteUsed is a note that an answer was drawn from.
type NoteUsed struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	Passages int    `json:"passages"`
}

// NewAid returns an empty aid of the type, to unmarshal into; nil for an unknown type.
func NewAid(t Type) Aid {
	switch t {
	case Chat:
		return &Reply{}
	case Flashcards:
		return &FlashcardSet{}
	case Quiz:
		return &QuizSet{}
	case Exam:
		return &ExamSet{}
	case Summary:
		return &SummarySet{}
	case Analysis:
		return &AnalysisSet{}
	case Plan:
		return &PlanSet{}
	default:
		return nil
	}
}

// Type implements Aid.
func (*Reply) Type() Type { return Chat }

// Type implements Aid.
func (*FlashcardSet) Type() Type { return Flashcards }

// Type implements Aid.
func (*QuizSet) Type() Type { return Quiz }

// Type implements Aid.
func (*ExamSet) Type() Type { return Exam }

// Type implements Aid.
func (*SummarySet) Type() Type { return Summary }

// Type implements Aid.
func (*AnalysisSet) Type() Type { return Analysis }

// Type implements Aid.
func (*PlanSet) Type() Type { return Plan }
