package study

import "time"

// Note is a student's text that answers are drawn from.
type Note struct {
	ID        string    `json:"id"` // UUID
	UserID    string    `json:"user_id"`
	Title     string    `json:"title"`
	Content   string    `json:"content"`
	Subject   string    `json:"subject"`             // "" = none
	Tags      []string  `json:"tags"`                // as given, each once
	CreatedAt time.Time `json:"created_at,omitzero"` // UTC
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// NoteChange says what to change of a note; nil fields stay as they are.
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
	Citations []Source  `json:"citations,omitempty"` // the passages that an answer quotes
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// ContentTypes maps the request types whose aids are kept to the name they are
// listed under.
func ContentTypes() map[Type]string {
	return map[Type]string{Flashcards: "flashcards", Quiz: "quizzes", Exam: "exams", Summary: "summaries", Analysis: "analyses", Plan: "plans"}
}

// ContentType is the request type whose aids are listed under a name.
func ContentType(name string) (Type, bool) {
	for t, listed := range ContentTypes() {
		if listed == name {
			return t, true
		}
	}
	return "", false
}

// Content is a kept aid. Data is the aid as JSON.
type Content struct {
	ID        string    `json:"id"`
	UserID    string    `json:"user_id"`
	SessionID string    `json:"session_id"`
	Type      Type      `json:"type"`
	Title     string    `json:"title"`
	Subject   string    `json:"subject"`      // "" = none; a new aid has its first note's
	Notes     []string  `json:"source_notes"` // ids of the notes that it was made from
	Model     string    `json:"model"`        // that made it
	Items     int       `json:"item_count"`
	Data      []byte    `json:"-"`
	Answer    string    `json:"-"` // names the answer it was made from, which is kept once a user; "" = always kept
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// Execution is one finished run, kept for the operator's metrics. It holds no
// text of the student's.
type Execution struct {
	RunID     string    `json:"run_id"`
	UserID    string    `json:"user_id"`
	SessionID string    `json:"session_id"`
	Type      Type      `json:"type"`
	Success   bool      `json:"success"`
	ErrorCode Code      `json:"error_code,omitempty"`
	Millis    int64     `json:"execution_time_ms"`
	Tokens    int       `json:"tokens_used"`
	Cost      float64   `json:"cost,omitempty"` // as the upstream tells it, in its account's currency; 0 = not told
	Model     string    `json:"model_used"`
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// Totals sums executions over a span of time.
type Totals struct {
	TotalRequests      int64                   `json:"total_requests"`
	Successful         int64                   `json:"successful"`
	Failed             int64                   `json:"failed"`
	SuccessRate        float64                 `json:"success_rate"` // percent, 0 to 100; 0 when there were none
	AvgExecutionTimeMS float64                 `json:"avg_execution_time_ms"`
	TotalTokensUsed    int64                   `json:"total_tokens_used"`
	TotalCost          float64                 `json:"total_cost"` // as the upstream tells it, in its account's currency
	AgentMetrics       map[Type]AgentMetrics   `json:"agent_metrics"`
	ModelMetrics       map[string]AgentMetrics `json:"model_metrics"` // "" = runs that ended before a model answered
}

// AgentMetrics is the share of one request type, or of one model, in Totals.
type AgentMetrics struct {
	Requests           int64   `json:"requests"`
	Successful         int64   `json:"successful"`
	Failed             int64   `json:"failed"`
	AvgExecutionTimeMS float64 `json:"avg_execution_time_ms"`
	TokensUsed         int64   `json:"tokens_used"`
	Cost               float64 `json:"cost"`
}
