package study

import (
	"encoding/json"
	"time"
)

// Brief is a task as data: the input of the offline engine, and the source of a language model's prompt.
type Brief struct {
	Type     Type
	Message  string // the student's words
	Options  Options
	Material string // the source text to draw from; "" = none
	Searched string // words that the student's notes were searched for, if none contains any of them
	History  []Turn // oldest first; only the beginnings of older turns

	Documents []Document // that Material is composed of

	Detail   string   // level of detail for types without an option for it: Short, Long; "" = default
	Progress []string // kinds of aids that the student has, on any topic
	Weak     []string // topics of the material with the student's poor results in quizzes and exams, the worst first
}

// Turn is one message of a conversation.
type Turn struct {
	Role   string // RoleSystem | RoleUser | RoleAssistant
	Text   string
	Stable int // bytes at the beginning of Text that are the same in all calls of a request, for prefix caches
}

// The roles of a Turn, as every chat-completions API spells them.
const (
	RoleSystem    = "system"
	RoleUser      = "user"
	RoleAssistant = "assistant"
)

// Prompt is one call of a model. Turns is the rendered conversation, with the system turn first; Brief is the same task
// as data. A language model reads only Turns, the offline engine reads only Brief, and both answer with the same JSON
// (or, for Chat, with plain text).
type Prompt struct {
	Turns     []Turn
	Brief     Brief
	MaxTokens int     // limit of the answer; 0 = the model's own
	JSON      bool    // the answer must be one JSON object
	Schema    *Schema // of that object, if the model accepts a schema; nil = any object
	Effort    string  // of reasoning, e.g. "low", if the model accepts one; "" = as configured
	MaxCalls  int     // limit of HTTP calls for the answer, including retries and calls with changed parameters; 0 = no limit
	Skip      int     // number of models to skip, because their answers were unusable; the last model is never skipped

	// OnWait, if set, is called before a delay that the AI service requested, with its length.
	OnWait func(time.Duration)
}

// Schema is a JSON schema within OpenAI's strict subset: every object has additionalProperties false and requires all
// of its properties.
type Schema struct {
	Name string // at most 64 letters, digits, _ and -
	Body json.RawMessage
}

// Answer is a model's answer. Together with an error, it gives the usage of the failed calls.
type Answer struct {
	Text  string
	Model string // the model that answered, by its own name
	Rank  int    // of that model in the order of the models, from 0
	More  bool   // there is another model after it
	Cut   Cut    // why the text may be incomplete; "" = the model finished

	// Usage of all calls for the answer, as far as the upstream reports it. Tokens is the reported total, or else the
	// sum of the other two.
	Tokens           int
	PromptTokens     int
	CompletionTokens int     // including reasoning tokens
	Cost             float64 // in the currency of the upstream's account; 0 = unknown
	Calls            int     // HTTP calls

	Warnings []string // for the student, in addition to the caller's own
}

// Cut is the reason why an answer ended before the model finished it.
type Cut string

// The reasons. NotCut, the zero value, means that the answer is complete.
const (
	NotCut     Cut = ""
	CutLength  Cut = "length"  // the token limit of the request or of the model was reached
	CutStopped Cut = "stopped" // the upstream stopped for another reason, or gave no reason
)
