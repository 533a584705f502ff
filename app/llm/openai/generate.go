package openai

import (
	"cmp"
	"context"
	"time"

	"studysharper/app/study"
)

const (
	reasoningFactor = 4     // factor by which the token limit is raised if reasoning used up all tokens
	minReasoning    = 8_000 // minimum of the raised limit
)

// generation is the work on one answer: the calls to all models.
type generation struct {
	*Client
	prompt study.Prompt
	onText func(string)
	spent  study.Answer // sum of the usage of all calls
	shown  bool         // text has been passed to onText and cannot be taken back
}

// Generate requests one answer to p.Turns and blocks until it is complete, at most Options.Timeout. With onText the
// answer is streamed, within Options.StreamTimeout: onText is called with each piece of text in order, on the caller's
// goroutine, and may block (that time counts only towards StreamTimeout); the joined pieces are the answer's text.
//
// After a failure before the first piece, Generate retries if that may help, at most once per model, and then tries the
// fallbacks (while there are any, a plain call gets only two thirds of the remaining time). After a later failure it
// does not retry; the answer returned together with the error contains the text so far.
//
// A model that fails five times in a row, or in ten of its last twenty calls, is not called for five seconds, and then
// by one call at a time until one succeeds. If the upstream requests a pause, the model is not called until it is over,
// but at most for a minute. The fallbacks are called instead. If there are none, Generate calls p.OnWait and waits if
// the pause is at most 5 s; otherwise it fails at once.
//
// The error is a *study.Error: CodeUpstreamFailed (the answer is unusable), CodeUpstreamRefused (the API refuses the
// key, address or model), CodeCredit (the account has no credit), CodeTooLong (the prompt exceeds the model's context),
// CodeUpstreamUnavailable (the API cannot serve now; RetryAfter if known), CodeUpstreamLimited (the API requests a
// pause; RetryAfter if known), CodeUpstreamTimeout, CodeWithheld (the model's own content filter), CodeTooLarge (the
// prompt exceeds MaxPromptBytes). When ctx ends, the call upstream is cancelled at once, and errors.Is finds
// context.Cause(ctx) in the error, which has CodeTimeout for a deadline and CodeUnavailable otherwise, unless the cause
// is a *study.Error itself. No error contains the key, the prompt or text of the upstream.
func (c *Client) Generate(ctx context.Context, p study.Prompt, onText func(string)) (study.Answer, error) {
	if err := c.checkPrompt(p); err != nil {
		return study.Answer{}, err
	}
	limit := c.o.Timeout
	if onText != nil {
		limit = c.o.StreamTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errSilence)
	defer cancel()
	c.retries.earn()
	p.Effort = cmp.Or(p.Effort, c.o.Effort)
	p.MaxTokens = cmp.Or(c.o.MaxTokens, p.MaxTokens)
	g := &generation{Client: c, prompt: p, onText: onText}
	answer, err := g.askModels(ctx)
	answer.Tokens, answer.PromptTokens, answer.CompletionTokens = g.spent.Tokens, g.spent.PromptTokens, g.spent.CompletionTokens
	answer.Cost, answer.Calls = g.spent.Cost, g.spent.Calls
	return answer, err
}

// checkPrompt rejects prompts that cannot be sent.
func (c *Client) checkPrompt(p study.Prompt) error {
	if len(p.Turns) == 0 {
		return study.Errorf(study.CodeInternal, "a prompt without turns")
	}
	if promptBytes(p) > c.o.MaxPromptBytes {
		return study.Errorf(study.CodeTooLarge, "the text for the model is longer than %d bytes", c.o.MaxPromptBytes)
	}
	return nil
}

// askModels calls the models in order, starting with the one that the prompt selects, until one answers or a failure
// rules out the rest.
func (g *generation) askModels(ctx context.Context) (study.Answer, error) {
	models := append([]string{g.o.Model}, g.o.Fallbacks...)
	var before []*study.Error
	for i := min(max(g.prompt.Skip, 0), len(models)-1); ; i++ {
		more := i+1 < len(models)
		answer, fail := g.askModel(ctx, models[i], more)
		answer.Rank, answer.More = i, more
		if fail == nil {
			return answer, nil
		}
		if !more || fail.recovery == giveUp || ctx.Err() != nil || !g.mayCall() {
			return answer, fail.errorAfter(before)
		}
		before = append(before, fail.err)
	}
}

// mayCall reports whether the prompt's limit of calls allows another one.
func (g *generation) mayCall() bool {
	return g.prompt.MaxCalls == 0 || g.spent.Calls < g.prompt.MaxCalls
}

// askModel calls one model, with one retry if that may help. more means that there is another model to call afterwards.
func (g *generation) askModel(ctx context.Context, model string, more bool) (study.Answer, *failure) {
	if more && g.onText == nil {
		// A plain call shows no progress before its end. A third of the time is reserved for the next model; otherwise
		// a hanging call would use all of it.
		deadline, _ := ctx.Deadline()
		short, cancel := context.WithTimeoutCause(ctx, time.Until(deadline)*2/3, errSilence)
		defer cancel()
		ctx = short
	}
	answer, fail := g.adaptModel(ctx, model, g.prompt)
	if fail == nil || fail.recovery != tryAgain || fail.wait > maxWait || more && fail.wait > 0 || !g.mayCall() {
		return answer, fail // calling another model is better than waiting for this one
	}
	delay := backoff(fail.wait)
	if !leavesTime(ctx, delay, g.o.Timeout/10) || g.breakers[model].blockedAt(time.Now().Add(delay)) || !fail.blocked && !g.retries.spend() {
		return answer, fail
	}
	if fail.wait > 0 && g.prompt.OnWait != nil {
		g.prompt.OnWait(fail.wait)
	}
	if !sleep(ctx, delay) {
		return answer, silenceFailure(ctx)
	}
	p := g.prompt
	if fail.starved && p.MaxTokens > 0 && g.o.MaxTokens == 0 {
		p.MaxTokens = max(reasoningFactor*p.MaxTokens, minReasoning)
	}
	return g.adaptModel(ctx, model, p)
}

// adaptModel makes one call. If the upstream refuses a parameter, it makes further calls without that parameter or with
// its other name. What works is stored for the model's next calls.
func (g *generation) adaptModel(ctx context.Context, model string, p study.Prompt) (study.Answer, *failure) {
	known := g.capabilities[model]
	d := known.dialect()
	answer, fail := g.callModel(ctx, model, d, p)
	for range maxAdaptions {
		if fail == nil || fail.report == nil || g.shown || !g.mayCall() {
			break
		}
		next, ok := d.adapted(p, g.onText != nil, fail.report)
		if !ok {
			break
		}
		d = next
		if answer, fail = g.callModel(ctx, model, d, p); fail == nil || fail.starved {
			known.setDialect(d)
		}
	}
	if fail != nil && fail.report != nil && fail.err.Code == study.CodeTooLong && fail.report.limit > 0 {
		known.setContext(fail.report.limit)
	}
	return answer, fail
}

// callModel makes one call, unless the model's breaker is open. The first piece of text counts as a sign of health.
func (g *generation) callModel(ctx context.Context, model string, d dialect, p study.Prompt) (study.Answer, *failure) {
	permit, reason := g.breakers[model].acquire(time.Now())
	if permit == nil {
		return study.Answer{}, blockedFailure(reason)
	}
	defer permit.report(unknown, 0) // onText may panic
	show := g.onText
	if g.onText != nil {
		show = func(text string) {
			permit.report(healthy, 0)
			g.shown = true
			g.onText(text)
		}
	}
	began := time.Now()
	answer, fail := g.doCall(ctx, model, d, p, show)
	health, rest := healthy, time.Duration(0)
	if fail != nil {
		health, rest = fail.health, fail.restFor
	}
	permit.report(health, rest)
	g.capabilities[model].report(health)
	g.count(answer)
	g.observe(model, time.Since(began), answer, fail)
	return answer, fail
}

// count adds the usage of a call to the generation's.
func (g *generation) count(answer study.Answer) {
	g.spent.Calls++
	g.spent.Tokens += answer.Tokens
	g.spent.PromptTokens += answer.PromptTokens
	g.spent.CompletionTokens += answer.CompletionTokens
	g.spent.Cost += answer.Cost
}

func (c *Client) observe(model string, took time.Duration, answer study.Answer, fail *failure) {
	switch {
	case c.o.Observe == nil:
	case fail == nil:
		c.o.Observe(model, took, answer, nil)
	default:
		c.o.Observe(model, took, answer, fail.err)
	}
}
