package openai

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"

	"studysharper/app/study"
)

const maxAdaptions = 5 // requests in other dialects, after the first one was refused

// dialect is how requests to a model are written. The zero value is OpenAI's older one, which
// most upstreams take.
type dialect struct {
	bound           boundField
	noStreamOptions bool
	noStream        bool
	noSchema        bool // response_format of type json_schema
	noObject        bool // response_format of type json_object
	noEffort        bool // reasoning_effort
	noSystem        bool // the system turn is merged into the first one of the user
}

// boundField is the parameter that bounds an answer's tokens.
type boundField int

const (
	maxTokens boundField = iota
	maxCompletionTokens
	noBound
)

var boundNames = [...]string{maxTokens: "max_tokens", maxCompletionTokens: "max_completion_tokens"}

// capabilities remembers the dialect that a model was seen to take. It is safe for concurrent use.
type capabilities struct {
	mu      sync.Mutex
	dialect dialect
}

func (c *capabilities) get() dialect {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dialect
}

func (c *capabilities) set(d dialect) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dialect = d
}

// adapted returns the dialect to try after a request was refused with that body; ok is false
// if the body does not name a parameter that the request had. The body may quote the prompt:
// the dialect is remembered only once it has worked.
func (d dialect) adapted(p study.Prompt, stream bool, body []byte) (next dialect, ok bool) {
	said := strings.ToLower(string(body))
	names := func(word string) bool { return strings.Contains(said, word) }
	if names("context_length") || names("context length") {
		return d, false
	}
	if param := refusedParam(body); param != "" {
		said = param
	}
	next = d
	switch {
	case stream && !d.noStream && !d.noStreamOptions && names("stream_options"):
		next.noStreamOptions = true
	case p.Effort != "" && !d.noEffort && names("reasoning_effort"):
		next.noEffort = true
	case p.Schema != nil && !d.noSchema && (names("response_format") || names("schema") || names("grammar")):
		next.noSchema = true
	case p.JSON && !d.noObject && (names("response_format") || names("json_object")):
		next.noObject = true
	case p.MaxTokens > 0 && d.bound != noBound && names(boundNames[d.bound]):
		next.bound++
	case !d.noSystem && hasSystem(p) && (names("system") || names("developer")):
		next.noSystem = true
	case stream && !d.noStream && names("stream"):
		next.noStream = true
	default:
		return d, false
	}
	return next, true
}

// refusedParam is the parameter that an error object names; "" = none that was looked for.
func refusedParam(body []byte) string {
	var e struct {
		Error struct{ Param string }
	}
	if json.Unmarshal(bytes.TrimSpace(body), &e) != nil {
		return ""
	}
	for _, known := range []string{"max_tokens", "max_completion_tokens", "stream_options", "response_format", "reasoning_effort", "stream"} {
		if e.Error.Param == known || strings.HasPrefix(e.Error.Param, known+".") {
			return known
		}
	}
	return ""
}

func hasSystem(p study.Prompt) bool {
	return len(p.Turns) > 1 && p.Turns[0].Role == study.RoleSystem
}

// messages are the turns of a prompt, the system turn merged into the first of the user where
// the model does not take it.
func (d dialect) messages(p study.Prompt) []wireMessage {
	list := make([]wireMessage, 0, len(p.Turns))
	system := ""
	for i, t := range p.Turns {
		if d.noSystem && i == 0 && hasSystem(p) {
			system = t.Text
			continue
		}
		if system != "" && t.Role == study.RoleUser {
			t.Text, system = system+"\n\n"+t.Text, ""
		}
		list = append(list, wireMessage{Role: t.Role, Content: t.Text})
	}
	return list
}
