package fakellm

import (
	"fmt"
	"slices"
)

// Fault is a way to misbehave.
type Fault string

// The faults. Those that say "mid-answer" happen after Rule.AfterTokens tokens of a
// stream, or after half the body of a plain answer.
const (
	None             Fault = ""                   // answer well
	Status           Fault = "status"             // Rule.Status with an error body
	Redirect         Fault = "redirect"           // 307 to Rule.Location
	Garbage          Fault = "garbage"            // 200 and a body that is not JSON
	HTML             Fault = "html"               // 200 and an HTML page
	NotHTTP          Fault = "not_http"           // bytes that are not an HTTP response
	Empty            Fault = "empty"              // 200 and an answer without text
	Filtered         Fault = "filtered"           // 200, no text, finish_reason content_filter
	ErrorInBody      Fault = "error_in_body"      // 200 and an error object of code Rule.Status
	Hang             Fault = "hang"               // nothing, not even headers
	HangAfterHeaders Fault = "hang_after_headers" // headers, then nothing
	HangMidway       Fault = "hang_midway"        // mid-answer: nothing more
	HangAtEnd        Fault = "hang_at_end"        // the whole answer, then neither [DONE] nor end
	Cut              Fault = "cut"                // mid-answer: the connection ends
	Reset            Fault = "reset"              // mid-answer: the connection is reset
	TruncatedChunk   Fault = "truncated_chunk"    // mid-answer: ends inside an HTTP chunk
	EarlyEnd         Fault = "early_end"          // mid-answer: a clean end of the body
	ErrorMidway      Fault = "error_midway"       // mid-answer: an error object of code Rule.Status
	BadLines         Fault = "bad_lines"          // mid-answer: Rule.Lines events that are not JSON, then the rest
	NoDone           Fault = "no_done"            // a complete stream without [DONE]
	PlainForStream   Fault = "plain_for_stream"   // a plain JSON answer to a call for a stream
	Huge             Fault = "huge"               // an answer of Rule.Bytes bytes of text
	Endless          Fault = "endless"            // an answer that never ends
	EndlessLine      Fault = "endless_line"       // a line, or a JSON string, that never ends
)

// Rule describes how calls are answered. The first rule that matches a call applies to it.
type Rule struct {
	Model string // only calls for this model; "" = any
	Every int    // only each n-th call that matches; 0 or 1 = all
	Times int    // only this many calls, then never again; 0 = no limit

	// Checks limits the rule to calls that ask for a verdict on an aid. Score is the verdict given on those calls; nil = 1.
	Checks bool
	Score  *float64

	Fault       Fault
	Status      int    // 300 to 599; 0 = 500
	NumericCode bool   // the error's code is a number, as from OpenRouter
	RetryAfter  string // header of a Status answer, sent unchanged
	Location    string
	AfterTokens int // tokens sent before a mid-answer fault; 0 = the fault comes first
	Lines       int
	Finish      string  // finish_reason of an answer; "" = stop
	Bytes       int64   // 0 = 100 MB
	Cost        float64 // of a call, in the answer's usage; 0 = omitted

	LatencyMS       int     // before the headers
	TokensPerSecond float64 // of a stream; 0 = at once
	Comments        int     // ": OPENROUTER PROCESSING" lines before the first token, paced like tokens
}

// ruleState is a rule with the number of times that it matched and was applied.
type ruleState struct {
	Rule
	matched, applied int
}

// Faults lists every fault but None, in alphabetical order.
func Faults() []Fault {
	out := make([]Fault, 0, len(faults))
	for f := range faults {
		out = append(out, f)
	}
	slices.Sort(out)
	return out
}

// check returns an error if a rule is invalid.
func (r Rule) check() error {
	if _, ok := faults[r.Fault]; !ok && r.Fault != None {
		return fmt.Errorf("unknown fault %q; known are %q", r.Fault, Faults())
	}
	if r.Status != 0 && (r.Status < 300 || r.Status > 599) {
		return fmt.Errorf("status %d: must be 300 to 599", r.Status)
	}
	if r.Every < 0 || r.Times < 0 || r.AfterTokens < 0 || r.Lines < 0 || r.Bytes < 0 ||
		r.LatencyMS < 0 || r.TokensPerSecond < 0 || r.Comments < 0 {
		return fmt.Errorf("rule of fault %q: no number may be negative", r.Fault)
	}
	return nil
}

// SetRules replaces all rules. Without any rules, every call is answered without a fault. An
// unknown fault or a number out of range is an error and changes nothing.
func (s *Server) SetRules(rules ...Rule) error {
	states := make([]ruleState, len(rules))
	for i, r := range rules {
		if err := r.check(); err != nil {
			return err
		}
		states[i].Rule = r
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = states
	return nil
}

// pick returns the rule for a call. The caller must hold mu.
func (s *Server) pick(req Request) Rule {
	for i := range s.rules {
		r := &s.rules[i]
		if r.Model != "" && r.Model != req.Model || r.Checks && !req.Checks() || r.Times > 0 && r.applied >= r.Times {
			continue
		}
		r.matched++
		if r.Every > 1 && r.matched%r.Every != 0 {
			continue
		}
		r.applied++
		return r.Rule
	}
	return Rule{}
}
