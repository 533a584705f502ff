package study

import "encoding/json"

// Result is a finished answer: the `result` of the wire.
type Result struct {
	Success    bool       `json:"success"`
	Intent     Type       `json:"intent"`
	Data       Aid        `json:"data"`
	Validation Validation `json:"validation"`
	Metadata   Metadata   `json:"metadata"`
	UserID     string     `json:"user_id"`
	SessionID  string     `json:"session_id"`
	Message    string     `json:"message"`
	Saved      *Saved     `json:"saved"` // nil: aids of the type are not saved

	ContextUsed    *ContextUsed `json:"context_used,omitempty"` // of an aid; a Reply has its own
	IgnoredOptions []string     `json:"ignored_options"`
	Warnings       []string     `json:"warnings,omitempty"`
}

// Validation gives the checks, who made them, and their results. Scores are from 0 to 1; nil = not checked, such as
// accuracy without source material.
type Validation struct {
	SafetyScore  *float64 `json:"safety_score"`
	QualityScore *float64 `json:"quality_score"`
	Accuracy     *float64 `json:"accuracy_score"`
	Attempts     int      `json:"validation_attempts"`
	Passed       bool     `json:"validation_passed"`
	CheckedBy    string   `json:"checked_by"`       // "rules", or the name of a model that gave a score
	Checks       Checks   `json:"checks"`           // who made each check
	Issues       []string `json:"issues,omitempty"` // what the checks found
}

// Checks names the checker of each check: "rules" or a model; "" = not checked. The safety rules always run, even if a
// model is named.
type Checks struct {
	Safety   string `json:"safety,omitempty"`
	Quality  string `json:"quality,omitempty"`
	Accuracy string `json:"accuracy,omitempty"`
}

// Metadata gives the cost of an answer.
type Metadata struct {
	ExecutionTimeMS int64  `json:"execution_time_ms"`
	TokensUsed      int    `json:"tokens_used"` // billed tokens of all calls
	ModelUsed       string `json:"model_used"`
	Usage
}

// Usage is the usage of all model calls for one request, as far as the upstream reports it.
type Usage struct {
	Tokens Tokens  `json:"tokens"`
	Cost   float64 `json:"cost,omitempty"` // in the currency of the upstream's account; 0 = unknown
	Calls  int     `json:"calls"`          // HTTP calls, including failed ones
}

// Tokens are the tokens of all calls together. The total may exceed the sum of the others if an upstream reports only a
// total.
type Tokens struct {
	Prompt     int `json:"prompt"`
	Completion int `json:"completion"`
	Total      int `json:"total"`
}

// Add adds the usage of an answer.
func (u *Usage) Add(a Answer) {
	u.Tokens.Prompt += a.PromptTokens
	u.Tokens.Completion += a.CompletionTokens
	u.Tokens.Total += a.Tokens
	u.Cost += a.Cost
	u.Calls += a.Calls
}

// Merge adds the usage of other calls.
func (u *Usage) Merge(o Usage) {
	u.Tokens.Prompt += o.Tokens.Prompt
	u.Tokens.Completion += o.Tokens.Completion
	u.Tokens.Total += o.Tokens.Total
	u.Cost += o.Cost
	u.Calls += o.Calls
}

// Saved identifies the stored aid and session of an answer. Its JSON is false if saving failed.
type Saved struct {
	ContentType string `json:"content_type,omitempty"` // flashcards | quizzes | exams | summaries
	ContentID   string `json:"content_id,omitempty"`
	SessionID   string `json:"session_id,omitempty"` // an earlier session if the same answer was saved there before
	Failed      bool   `json:"-"`
}

// MarshalJSON implements json.Marshaler.
func (s Saved) MarshalJSON() ([]byte, error) {
	if s.Failed {
		return []byte("false"), nil
	}
	type fields Saved // without this method
	return json.Marshal(fields(s))
}

// TotalSteps is the number of steps of every run; Progress.Step counts them from 1.
const TotalSteps = 6

// Progress is one step of a run: the `data` of a progress event.
type Progress struct {
	Step         int    `json:"step"`
	TotalSteps   int    `json:"total_steps"`
	CurrentAgent string `json:"current_agent"`
	Message      string `json:"message"`
	Percentage   int    `json:"percentage"`
	Timestamp    string `json:"timestamp"` // RFC 3339, UTC
}
