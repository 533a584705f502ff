package study

import "time"

// Note is a student's text that answers are drawn from.
type Note struct {
	ID        string    `json:"id"` // UUID
	UserID    string    `json:"user_id"`
	Title     string    `json:"title"`
	Content   string    `json:"content"`
	Subject   string    `json:"subject"`             // "" = none
	Tags      []string  `json:"tags"`                // as given, without repeats
	CreatedAt time.Time `json:"created_at,omitzero"` // UTC
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// NoteChange is a change of a note; nil fields stay as they are.
type NoteChange struct {
	Title, Content, Subject *string
	Tags                    *[]string
}

// Session is a stored conversation.
type Session struct {
	ID        string    `json:"id"` // UUID
	UserID    string    `json:"user_id"`
	Title     string    `json:"title"`
	Messages  int       `json:"message_count"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// Message is one stored turn of a conversation.
type Message struct {
	ID        string    `json:"id"`
	Role      string    `json:"role"` // RoleUser | RoleAssistant
	Text      string    `json:"content"`
	Citations []Source  `json:"citations,omitempty"` // passages that an answer quotes
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// ContentTypes maps the request types whose aids are saved to the names of their lists.
func ContentTypes() map[Type]string {
	return map[Type]string{Flashcards: "flashcards", Quiz: "quizzes", Exam: "exams", Summary: "summaries", Analysis: "analyses", Plan: "plans"}
}

// ContentType returns the request type for the name of a list.
func ContentType(name string) (Type, bool) {
	for t, listed := range ContentTypes() {
		if listed == name {
			return t, true
		}
	}
	return "", false
}

// Content is a saved aid. Data is the aid as JSON.
type Content struct {
	ID        string    `json:"id"`
	UserID    string    `json:"user_id"`
	SessionID string    `json:"session_id"`
	Type      Type      `json:"type"`
	Title     string    `json:"title"`
	Subject   string    `json:"subject"`      // "" = none; a new aid has the subject of its first note
	Notes     []string  `json:"source_notes"` // ids of the notes that it was made from
	Model     string    `json:"model"`        // that made the aid
	Items     int       `json:"item_count"`
	Data      []byte    `json:"-"`
	Answer    string    `json:"-"` // identifies the answer, which is saved once per user; "" = always saved
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// Execution is one finished run, recorded for the operator's metrics. It contains no text of the student.
type Execution struct {
	RunID     string    `json:"run_id"`
	UserID    string    `json:"user_id"`
	SessionID string    `json:"session_id"`
	Type      Type      `json:"type"`
	Success   bool      `json:"success"`
	ErrorCode Code      `json:"error_code,omitempty"`
	Millis    int64     `json:"execution_time_ms"`
	Tokens    int       `json:"tokens_used"`
	Cost      float64   `json:"cost,omitempty"` // as reported by the upstream, in its account's currency; 0 = unknown
	Model     string    `json:"model_used"`
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// Totals are the sums of executions over a period.
type Totals struct {
	TotalRequests      int64                   `json:"total_requests"`
	Successful         int64                   `json:"successful"`
	Failed             int64                   `json:"failed"`
	SuccessRate        float64                 `json:"success_rate"` // percent, 0 to 100; 0 if there were no requests
	AvgExecutionTimeMS float64                 `json:"avg_execution_time_ms"`
	TotalTokensUsed    int64                   `json:"total_tokens_used"`
	TotalCost          float64                 `json:"total_cost"` // as reported by the upstream, in its account's currency
	AgentMetrics       map[Type]AgentMetrics   `json:"agent_metrics"`
	ModelMetrics       map[string]AgentMetrics `json:"model_metrics"` // "" = runs that ended before a model answered
}

// AgentMetrics are the figures of one request type, or of one model, in Totals.
type AgentMetrics struct {
	Requests           int64   `json:"requests"`
	Successful         int64   `json:"successful"`
	Failed             int64   `json:"failed"`
	AvgExecutionTimeMS float64 `json:"avg_execution_time_ms"`
	TokensUsed         int64   `json:"tokens_used"`
	Cost               float64 `json:"cost"`
}
