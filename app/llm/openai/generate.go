package openai

import (
	"cmp"
	"context"
	"time"

	"studysharper/app/study"
)

const (
	reasoningFactor = 4     // by which the bound of tokens grows where reasoning took all of them,
	minReasoning    = 8_000 // at least to so many
)

// generation is the work on one answer: the calls to all models.
type generation struct {
	*Client
	prompt study.Prompt
	onText func(string)
	spent  study.Answer // the counts only, of all calls
	shown  bool         // text has been passed on: it cannot be taken back
}

// Generate asks for one answer to p.Turns and blocks until it is whole, at most
// Options.Timeout. With onText the answer is streamed, within Options.StreamTimeout: onText
// gets each piece of text in order, on the caller's goroutine, and may block (that time
// counts only towards StreamTimeout); the pieces joined are the answer's text.
//
// A failure before the first piece is tried again where that may help, at most once
// a model, and then with the fallbacks (a plain call that hangs is given two thirds of
// the time left while there are any). One after it is not: the answer returned beside
// the error then holds the text so far.
//
// A model that fails five times in a row, or in ten of its last twenty calls, is not
// asked for five seconds, and again until one call to it has gone well; one that
// asks us to wait is not asked until then, at most for a minute. The fallbacks are asked
// instead. Without one, Generate sleeps through a wait of up to 5 s, after p.OnWait;
// otherwise it fails at once.
//
// The error is a *study.Error: CodeUpstreamFailed (the API refuses us, or answers
// wrongly), CodeUpstreamUnavailable (it cannot serve now; RetryAfter when it said so),
// CodeUpstreamLimited (it asks us to wait, for RetryAfter where it said how long),
// CodeUpstreamTimeout, CodeWithheld (the model's own content filter), CodeTooLarge (the prompt).
// When ctx ends, the call upstream is cancelled at once, and errors.Is finds
// context.Cause(ctx) in the error, which has CodeTimeout for a deadline and
// CodeUnavailable otherwise, unless the cause is a *study.Error itself.
// No error ever holds the key, the prompt or words of the upstream.
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

// askModels asks the models in order, from the one that the prompt says, until one answers or
// the failure rules out the rest.
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

// mayCall reports whether the prompt's bound of calls leaves room for another one.
func (g *generation) mayCall() bool {
	return g.prompt.MaxCalls == 0 || g.spent.Calls < g.prompt.MaxCalls
}

// askModel asks one model, with one retry if that may help. more means that there is another
// model to ask afterwards.
func (g *generation) askModel(ctx context.Context, model string, more bool) (study.Answer, *failure) {
	if more && g.onText == nil {
		// A plain call shows no sign of life before its end. A third of the time is kept
		// for the next model, or a hanging one would use up all of it.
		deadline, _ := ctx.Deadline()
		short, cancel := context.WithTimeoutCause(ctx, time.Until(deadline)*2/3, errSilence)
		defer cancel()
		ctx = short
	}
	answer, fail := g.adaptModel(ctx, model, g.prompt)
	if fail == nil || fail.recovery != tryAgain || fail.wait > maxWait || more && fail.wait > 0 || !g.mayCall() {
		return answer, fail // asking another model beats waiting for this one
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

// adaptModel makes one call, and further ones where the upstream refuses a parameter: without
// it, or with its other name. What works is remembered for the next calls of the model.
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

// callModel makes one call, unless the model's breaker is open. The first piece of text
// shows that the upstream is healthy.
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

// count adds a call to what the generation has spent.
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
