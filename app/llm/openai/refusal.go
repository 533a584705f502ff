package openai

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"studysharper/app/study"
)

// kind is the meaning of a failure, independent of the upstream's wording.
type kind int

const (
	byStatus kind = iota // the status determines it
	contextTooLong
	contentWithheld
	noCredit
	keyRejected
	wrongPath
	unknownModel
	wrongRegion
	outOfTokens // used up before the answer began
	firewalled  // a web page in front of the API refuses this server
)

// kindWords are words in error codes and texts, the most specific first; each entry applies to some statuses.
var kindWords = []struct {
	kind     kind
	statuses []int // none = all
	words    []string
}{
	{outOfTokens, []int{400}, []string{"output limit was reached", "model output limit"}}, // OpenAI's reasoning models
	{contextTooLong, []int{400, 413, 422, 500}, []string{"context_length_exceeded", "context length", "context window", "context size", "exceed_context_size_error",
		"maximum context", "prompt is too long", "prompt too long", "input is too long", "input length", "maximum number of tokens allowed", "too many tokens",
		"maximum input length", "string_above_max_length", "reduce the length", "request too large", "tokens_limit_reached", "too large for model", "must have less than", "maximum prompt length", "exceeds max length", "model token limit",
		"max_new_tokens` must be", "total number of tokens in the prompt"}},
	{contextTooLong, []int{429}, []string{"request too large", "context_length_exceeded"}}, // exceeds the limit per minute: waiting does not help
	{contentWithheld, []int{400, 403, 422, 451}, []string{"content_filter", "content_policy_violation", "responsibleaipolicyviolation", "content management policy",
		"content policy", "content filter", "moderation", "flagged", "data_inspection_failed", "datainspectionfailed", "inappropriate content", "prohibited_content",
		"usage policy", "usage policies", "usage guidelines", "safety system", "content filtering", "content exists risk", "considered high risk", "guardrail",
		"sensitivecontentdetected", "inputtextsensitivecontentdetected", "sensitive content", "sensitive information", "敏感内容"}},
	{noCredit, nil, []string{"insufficient_quota", "exceeded_current_quota_error", "insufficient balance", "insufficient_balance", "insufficient credits",
		"credit balance", "billing_hard_limit_reached", "billing_not_active", "more credits", "payment required",
		"insufficient funds", "balance is insufficient", "out of credits", "available credits", "included credits", "spending limit", "余额不足"}},
	{wrongPath, []int{200, 400, 404, 405, 500, 501}, []string{"unexpected endpoint", "invalid url", "404 page not found", "cannot post", "unknown endpoint"}},
	{unknownModel, []int{400, 403, 404, 410}, []string{"model_decommissioned", "has been decommissioned", "has been deprecated", "model_not_found", "deploymentnotfound", "no endpoints found", "not a valid model", "invalid model", "unknown model",
		"model does not exist", "no models loaded", "access to model", "model not found", "model not exist", "model_not_exist"}},
	{wrongRegion, []int{400, 403}, []string{"unsupported_country_region_territory", "location is not supported", "country, region, or territory not supported"}},
	{keyRejected, []int{400, 422}, []string{"api_key_invalid", "invalid_api_key", "api key not valid", "invalid api key", "incorrect api key", "api key is invalid",
		"api key expired", "no api key", "missing api key", "authentication_error", "unauthenticated", "login fail"}},
}

const wrongPathMessage = "the AI service does not know the address it was called at; please tell whoever runs this server"

// webPageFailure is the failure of a 200 response with a web page instead of an answer: from a web server at the wrong
// path, or from a network that requires a login.
func webPageFailure() *failure {
	return &failure{recovery: giveUp, health: refusing, err: &study.Error{Code: study.CodeUpstreamRefused, Message: wrongPathMessage,
		Cause: errors.New("a web page answered; check LLM_BASE_URL: is /v1 missing at its end?")}}
}

// kind classifies the failure by the upstream's text, or else by its status.
func (r *report) kind() kind {
	if r.moderated && r.status == http.StatusForbidden {
		return contentWithheld
	}
	for _, entry := range kindWords {
		if (entry.statuses == nil || r.implied || slices.Contains(entry.statuses, r.status)) && r.says(entry.words...) {
			if entry.kind == noCredit && r.wait > 0 {
				continue // a quota that is refilled
			}
			return entry.kind
		}
	}
	switch r.status {
	case http.StatusForbidden:
		if strings.HasPrefix(r.text, "<") {
			return firewalled
		}
		return keyRejected
	case http.StatusUnauthorized, http.StatusProxyAuthRequired:
		return keyRejected
	case http.StatusPaymentRequired:
		return noCredit
	case http.StatusRequestEntityTooLarge:
		return contextTooLong
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		if strings.HasPrefix(r.text, "<") {
			return wrongPath
		}
		if r.text == "" || strings.Contains(r.text, "model") || r.status == http.StatusNotFound && strings.Contains(r.text, "deployment") {
			return unknownModel
		}
		return wrongPath
	default:
		return byStatus
	}
}

// failure converts a report to a failure. promptTokens is our own estimate, for upstreams that do not report the size.
// The failure contains no text of the report.
func (r *report) failure(promptTokens int) *failure {
	fail := r.classify(promptTokens)
	fail.report = r
	return fail
}

func (r *report) classify(promptTokens int) *failure {
	refused := func(n recovery, message string) *failure {
		return &failure{recovery: n, health: refusing, err: &study.Error{Code: study.CodeUpstreamRefused, Message: message, Cause: r.cause()}}
	}
	switch r.kind() {
	case contentWithheld:
		return &failure{recovery: giveUp, err: &study.Error{Code: study.CodeWithheld, Message: "the model's moderation refused the request", Cause: r.cause()}}
	case contextTooLong:
		return &failure{recovery: nextModel, err: &study.Error{Code: study.CodeTooLong, Message: r.sizes(promptTokens), Cause: r.cause()}}
	case noCredit:
		fail := refused(nextModel, "the AI service account of this server has no credit left; please tell whoever runs it")
		fail.err.Code = study.CodeCredit
		return fail
	case keyRejected:
		return refused(nextModel, "the AI service rejected this server's API key; please tell whoever runs it")
	case wrongPath:
		fail := refused(giveUp, wrongPathMessage)
		fail.err.Cause = fmt.Errorf("%w; check LLM_BASE_URL: is /v1 missing at its end?", fail.err.Cause)
		return fail
	case wrongRegion:
		return refused(nextModel, "the AI service does not serve the country of this server; please tell whoever runs it")
	case firewalled:
		return refused(nextModel, "a firewall in front of the AI service refuses this server; please tell whoever runs it")
	case unknownModel:
		return refused(nextModel, "the AI service does not know the model; please tell whoever runs this server")
	case outOfTokens:
		fail := newFailure(tryAgain, r.cause(), starvedMessage)
		fail.starved = true
		return fail
	case byStatus:
	}
	return r.statusFailure()
}

// sizes returns the message that a request is too long, with its size and the limit.
func (r *report) sizes(promptTokens int) string {
	size := promptTokens
	if r.size > r.limit {
		size = r.size
	}
	if r.limit > 0 {
		return fmt.Sprintf("the material is too long for the model: about %d tokens, and it takes %d; shorten it or choose fewer notes", max(size, r.limit+1), r.limit)
	}
	return fmt.Sprintf("the material is too long for the model: about %d tokens; shorten it or choose fewer notes", size)
}

// timeouts are the statuses of servers that waited in vain for another server; the last is Cloudflare's.
var timeouts = []int{http.StatusRequestTimeout, http.StatusGatewayTimeout, 524}

// statusFailure converts a status whose body contains nothing known.
func (r *report) statusFailure() *failure {
	cause := r.cause()
	switch s := r.status; {
	case slices.Contains(timeouts, s) && r.wait == 0:
		return &failure{recovery: tryAgain, health: unhealthy, err: &study.Error{Code: study.CodeUpstreamTimeout, Message: "the model did not answer in time", Cause: cause}}
	case s >= 300 && s < 400:
		return &failure{recovery: giveUp, health: refusing, err: &study.Error{Code: study.CodeUpstreamRefused, Cause: fmt.Errorf("%w; check LLM_BASE_URL", cause),
			Message: "the AI service answered with a redirect, which is not followed; please tell whoever runs this server"}}
	case s == http.StatusTooManyRequests, r.wait > maxWait && (s == http.StatusRequestTimeout || s >= 500):
		// This says nothing about the upstream's health: it is busy only for us.
		return &failure{recovery: tryAgain, health: unknown, restFor: r.wait, wait: r.wait, err: rateLimitedError(r.wait, cause)}
	case s == http.StatusRequestTimeout, s >= 500:
		return &failure{recovery: tryAgain, health: unhealthy, wait: r.wait, err: unavailableError(r.wait, cause)}
	case s >= 400:
		return newFailure(nextModel, cause, "the AI service refused the request")
	default:
		return newFailure(nextModel, cause, "the AI service answered with an unexpected status")
	}
}
