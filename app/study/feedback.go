package study

import "time"

// Feedback is a student's rating of a saved aid.
type Feedback struct {
	UserID      string   `json:"user_id"`
	ContentType string   `json:"content_type"` // flashcards | quizzes | exams | summaries
	ContentID   string   `json:"content_id"`
	Rating      int      `json:"rating"` // 1 to 5
	Text        string   `json:"feedback_text,omitempty"`
	Issues      []string `json:"issues,omitempty"`
}

// Rating is a stored Feedback.
type Rating struct {
	Feedback
	CreatedAt time.Time `json:"created_at,omitzero"`
}
