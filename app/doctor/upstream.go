package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"studysharper/app/config"
	"studysharper/app/llm"
	"studysharper/app/llm/openai"
	"studysharper/app/study"
)

// upstreamChecks returns the lines on the model: whether its API is reachable, and what it answers. They share one
// probe, which requests the list of models and makes a call of one token.
func upstreamChecks(ctx context.Context, c config.Config) []func() finding {
	if c.LLMProvider == "offline" {
		return []func() finding{func() finding {
			return found(fine, "upstream", "offline: the built-in engine answers, no model is called (OPENROUTER_API_KEY, LLM_API_KEY and LLM_BASE_URL are not set, or LLM_PROVIDER=offline)")
		}}
	}
	probe := sync.OnceValue(func() openai.Diagnosis {
		o := llm.Options(c)
		o.Timeout = min(o.Timeout, upstreamWait)
		client := openai.New(o)
		defer func() { _ = client.Close() }()
		return client.Probe(ctx)
	})
	return []func() finding{
		func() finding { return upstreamLine(probe(), c) },
		func() finding { return modelLine(probe(), c) },
	}
}

// upstreamLine reports whether the API is reachable and accepts the key. The call decides, because some APIs have no
// list of models, or need another key for it.
func upstreamLine(d openai.Diagnosis, c config.Config) finding {
	const subject = "upstream"
	shown := config.RedactURL(c.LLMBaseURL)
	switch {
	case d.ListError != nil && d.Call != nil:
		return found(broken, subject, "%s cannot be reached: %s", shown, oneLine(d.ListError.Error()))
	case d.LacksV1:
		return found(broken, subject, "%s is not the API, but %s/v1 is: set LLM_BASE_URL to that", shown, shown)
	case d.Call == nil && c.APIKey() == "":
		return found(fine, subject, "%s answers without a key", shown)
	case d.Call == nil:
		return found(fine, subject, "%s answers and accepts the key", shown)
	case rejected(d.ListStatus) && c.APIKey() == "":
		return found(broken, subject, "%s requires a key (%d): set %s", shown, d.ListStatus, keySetting(c))
	case rejected(d.ListStatus):
		return found(broken, subject, "%s rejects the key (%d)", shown, d.ListStatus)
	default:
		return found(fine, subject, "%s answers (%d)", shown, d.ListStatus)
	}
}

func rejected(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// keySetting names the setting of the missing key.
func keySetting(c config.Config) string {
	if c.UnusedKey() {
		return "LLM_API_KEY (OPENROUTER_API_KEY is sent to openrouter.ai only)"
	}
	return "LLM_API_KEY"
}

// modelLine reports whether the model answers, what it does not support, and how large its context is.
func modelLine(d openai.Diagnosis, c config.Config) finding {
	const subject = "model"
	if d.Call != nil {
		return found(broken, subject, "%s does not answer: %s", c.LLMModel, oneLine(reason(d.Call)))
	}
	says := c.LLMModel + " answers"
	if d.Without != "" {
		says += "; it is asked with " + d.Without
	}
	severity := fine
	switch {
	case d.Context > 0 && d.Context < c.LLMContext:
		says += fmt.Sprintf("; its context is %d tokens, fewer than LLM_CONTEXT_TOKENS (%d)", d.Context, c.LLMContext)
	case d.Context > 0:
		says += fmt.Sprintf("; its context is %d tokens", d.Context)
	default:
		says += "; the API does not tell its context"
	}
	if d.Listed > 0 && !d.Offered && c.LLMAPIVersion == "" {
		severity = lacking
		says += fmt.Sprintf("; it is not among the %d models that the API lists", d.Listed)
	}
	return found(severity, subject, "%s", says)
}

// reason describes a failed call for an operator: the message, and the cause, which contains error codes of the
// upstream but none of its text.
func reason(err error) string {
	e := study.AsError(err)
	if cause := errors.Unwrap(e); cause != nil {
		return e.Message + " (" + cause.Error() + ")"
	}
	return e.Message
}
