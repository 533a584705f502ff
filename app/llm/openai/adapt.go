package openai

import (
	"net/http"
	"slices"
	"strings"

	"studysharper/app/study"
)

const maxAdaptions = 6 // requests with changed parameters, after the first refusal

// adaptable are the statuses of refused parameters; some servers respond with 500 instead.
var adaptable = []int{http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusInternalServerError, http.StatusNotImplemented}

// adaptation is a change of the request after an upstream has refused a parameter.
type adaptation struct {
	words []string // of the refusal; one of them is enough
	sent  func(d dialect, p study.Prompt, stream bool) bool
	next  func(d dialect, refusal *report) dialect
}

// adaptations are tried in this order: a refusal often names other parameters in addition to the refused one, and the
// rarer ones come first.
var adaptations = []adaptation{
	{[]string{"stream_options", "include_usage"}, sentStreamOptions, without(noStreamOptions)},
	{[]string{"reasoning_effort", "reasoning.effort", "reasoning effort"}, sentEffort, without(noEffort)},
	{[]string{"response_format", "json_schema", "response_schema", "schema", "grammar", "additionalproperties", "structured output", "structured outputs",
		"json mode", "json_validate_failed", "failed to generate json", "invalid format"}, sentSchema, without(noSchema)},
	{[]string{"response_format", "json_object", "json mode", "json_validate_failed", "failed to generate json"}, sentObject, without(noObject)},
	{[]string{"max_tokens", "max_completion_tokens", "maxoutputtokens", "max_output_tokens", "max_new_tokens", "in the completion"}, sentBound, withoutBound},
	{[]string{"system", "developer", "roles must alternate", "user and assistant roles"}, sentSystem, without(noSystem)},
	{[]string{"stream", "streaming"}, sentStream, without(noStream)},
}

func sentStream(d dialect, _ study.Prompt, stream bool) bool { return stream && !d.has(noStream) }

func sentStreamOptions(d dialect, p study.Prompt, stream bool) bool {
	return sentStream(d, p, stream) && !d.has(noStreamOptions)
}

func sentEffort(d dialect, p study.Prompt, _ bool) bool { return p.Effort != "" && !d.has(noEffort) }

func sentSchema(d dialect, p study.Prompt, _ bool) bool {
	format := d.format(p)
	return format != nil && format.Schema != nil
}

func sentObject(d dialect, p study.Prompt, _ bool) bool {
	format := d.format(p)
	return format != nil && format.Schema == nil
}

func sentBound(d dialect, p study.Prompt, _ bool) bool { return p.MaxTokens > 0 && !d.has(noBound) }

func sentSystem(d dialect, p study.Prompt, _ bool) bool { return hasSystem(p) && !d.has(noSystem) }

func without(bits dialect) func(dialect, *report) dialect {
	return func(d dialect, _ *report) dialect { return d | bits }
}

// notTheName are words of refusals that are about a limit's value, not its name.
var notTheName = []string{"too large", "too high", "at most", "less than", "greater than", "maximum", "exceed", "range"}

// withoutBound uses the other name of the token limit, or omits the limit if its value was refused.
func withoutBound(d dialect, refusal *report) dialect {
	value := slices.ContainsFunc(notTheName, func(word string) bool { return strings.Contains(refusal.text, word) })
	if d.has(newBound) || value && !refusal.says("unsupported", "unsupported_parameter", "instead") {
		return d | noBound
	}
	return d | newBound
}

// adapted returns the dialect to try after a refusal; ok is false if the refusal does not name a parameter of the
// request. Because the refusal may quote the prompt, the dialect is stored only after it has worked.
func (d dialect) adapted(p study.Prompt, stream bool, refusal *report) (next dialect, ok bool) {
	if refusal.kind() == contextTooLong {
		// The part of the context reserved for the answer may be too large.
		if sentBound(d, p, stream) && refusal.says(adaptations[4].words...) {
			return d | noBound, true
		}
		return d, false
	}
	if refusal.kind() != byStatus || !slices.Contains(adaptable, refusal.status) {
		return d, false
	}
	for _, a := range adaptations {
		if a.sent(d, p, stream) && refusal.names(a.words) {
			return a.next(d, refusal), true
		}
	}
	return d, false
}
