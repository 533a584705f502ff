package study

import (
	"encoding/json"
	"time"
)

// Brief is a task as data: what the offline engine works from, and what a prompt
// for a language model is written from.
type Brief struct {
	Type     Type
	Message  string // the student's words
	Options  Options
	Material string // the source text to draw from; "" = none
	Searched string // the words that the student's notes were searched for, if they have none of them
	History  []Turn // oldest first; of older ones the opening only

	Documents []Document // that Material was composed of

	Detail   string   // how much shall be said where no option tells: Short, Long; "" = as usual
	Progress []string // the kinds of aids that the student has, on whatever topic
	Weak     []string // topics of the material on which the student did badly in quizzes and exams, the worst first
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

// Prompt is one call of a model. Turns is the rendered conversation, the system
// turn first; Brief is the same task as data. A language model reads Turns only,
// the offline engine reads Brief only, and both answer with the same JSON
// (or, for Chat, with plain text).
type Prompt struct {
	Turns     []Turn
	Brief     Brief
	MaxTokens int     // bound of the answer; 0 = the model's own
	JSON      bool    // the answer is to be one JSON object
	Schema    *Schema // of that object, where the model takes one; nil = any object
	Effort    string  // of reasoning, e.g. "low", where the model takes one; "" = as configured
	MaxCalls  int     // HTTP calls that the answer may take, repeated and adapted ones included; 0 = no limit
	Skip      int     // models that are not asked, because their answers could not be used; the last model always is

	// OnWait, if set, is called before a wait that the AI service asked for, and how long it is.
	OnWait func(time.Duration)
}

// Schema is a JSON schema within the subset that OpenAI calls strict: every object has
// additionalProperties false and requires all of its properties.
type Schema struct {
	Name string // at most 64 letters, digits, _ and -
	Body json.RawMessage
}

// Answer is what a model gave back. An answer beside an error says what the failed calls took.
type Answer struct {
	Text  string
	Model string // the model that answered, as it names itself
	Rank  int    // of that model in the order in which models are asked, from 0
	More  bool   // there is another model to ask after it
	Cut   Cut    // why the text may end too early; "" = the model was done

	// What all calls for the answer took, as far as the upstream says. Tokens is the total that
	// it names, else the sum of the other two.
	Tokens           int
	PromptTokens     int
	CompletionTokens int     // those of reasoning included
	Cost             float64 // in the currency of the upstream's account; 0 = not told
	Calls            int     // HTTP calls

	Warnings []string // for the student, besides those that the caller finds
}

// Cut says why an answer ended before the model was done with it.
type Cut string

// The reasons. NotCut is the zero value: the answer is whole.
const (
	NotCut     Cut = ""
	CutLength  Cut = "length"  // it reached the bound of its tokens, or the model's own
	CutStopped Cut = "stopped" // the upstream stopped for another reason, or gave none
)
