// Package openai asks language models through any API that is compatible with OpenAI's chat
// completions. The one idea: the upstream is not trusted. Options bound every wait, byte and
// retry; the upstream's words reach a student only as an answer, never in an error; and
// whatever it does wrong becomes one of a few error codes.
package openai

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"time"

	"studysharper/app/study"
)

const (
	maxIdleConns = 16

	reasoningFactor = 4     // by which the bound of tokens grows where reasoning took all of them,
	minReasoning    = 8_000 // at least to so many
)

// Options configures a Client. Fields that are zero or negative get their defaults.
type Options struct {
	BaseURL   string   // up to and without /chat/completions, e.g. https://openrouter.ai/api/v1
	APIKey    string   // sent as a bearer token; "" = none
	Model     string   // asked first
	Fallbacks []string // asked in this order if the model before fails

	Timeout          time.Duration // one Generate, with all retries and fallbacks; default 60 s
	ConnectTimeout   time.Duration // name look-up and connection, and again the TLS handshake; default 2 s
	FirstByteTimeout time.Duration // of a streamed call, until its headers; default 30 s
	IdleTimeout      time.Duration // of a streamed call, between two lines; default 30 s

	MaxAnswerBytes int // text of an answer; default 1 MiB
	MaxRawBytes    int // body of a response; default 8 MiB
	MaxPromptBytes int // text of a prompt's turns together; default 1 MiB
	MaxConns       int // connections to the API, busy or idle; default 64. Further calls wait, within their timeout
	RetryBurst     int // retries in a row before they are limited to a tenth of the calls; default 10

	// Observe is called after each HTTP call with its duration, the tokens that the API reports
	// and its failure, a *study.Error. It must not block. Default: none.
	Observe func(took time.Duration, tokens int, err error)
}

// withDefaults fills in the defaults.
func (o Options) withDefaults() Options {
	setDefault(&o.Timeout, time.Minute)
	setDefault(&o.ConnectTimeout, 2*time.Second)
	setDefault(&o.FirstByteTimeout, 30*time.Second)
	setDefault(&o.IdleTimeout, 30*time.Second)
	setDefault(&o.MaxAnswerBytes, 1<<20)
	setDefault(&o.MaxRawBytes, 8<<20)
	setDefault(&o.MaxPromptBytes, 1<<20)
	setDefault(&o.MaxConns, 64)
	setDefault(&o.RetryBurst, 10)
	return o
}

func setDefault[T int | time.Duration](field *T, otherwise T) {
	if *field <= 0 {
		*field = otherwise
	}
}

// Client asks the models of one API. It is safe for concurrent use. Up to 16 idle
// connections, with their goroutines, are kept for 90 s or until Close.
type Client struct {
	o            Options
	endpoint     string
	http         *http.Client
	retries      *retryBudget
	breakers     map[string]*breaker      // by model; not changed after New
	capabilities map[string]*capabilities // likewise
}

// New makes a Client. It makes no call: a wrong BaseURL or key shows in Generate.
func New(o Options) *Client {
	o = o.withDefaults()
	breakers := map[string]*breaker{o.Model: {}}
	known := map[string]*capabilities{o.Model: {}}
	for _, model := range o.Fallbacks {
		breakers[model], known[model] = &breaker{}, &capabilities{}
	}
	return &Client{
		o:            o,
		endpoint:     strings.TrimRight(o.BaseURL, "/") + "/chat/completions",
		retries:      newRetryBudget(o.RetryBurst),
		breakers:     breakers,
		capabilities: known,
		http: &http.Client{
			Transport: newTransport(o, nil),
			// A redirect could send the prompt and the key anywhere, even to a cloud's metadata address.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// newTransport makes the bounded connection pool; a nil resolver is the system's.
func newTransport(o Options, resolver *net.Resolver) *http.Transport {
	dialer := &net.Dialer{Timeout: o.ConnectTimeout, KeepAlive: 30 * time.Second, Resolver: resolver}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    o.ConnectTimeout,
		ForceAttemptHTTP2:      true, // a custom DialContext disables it otherwise
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
		DisableCompression:     true, // no decompression bombs, and gzip delays tokens
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    maxIdleConns,
		MaxConnsPerHost:        o.MaxConns,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// Name returns the model that is asked first, as configured.
func (c *Client) Name() string { return c.o.Model }

// Health is the state of a Client's circuit breakers.
type Health struct {
	FirstOpen bool // the first model is paused, or not yet known to have recovered
	Open      int  // number of such models
}

// Health returns the current state. It does not block for long.
func (c *Client) Health() Health {
	now := time.Now()
	h := Health{FirstOpen: c.breakers[c.o.Model].openAt(now)}
	for _, b := range c.breakers {
		if b.openAt(now) {
			h.Open++
		}
	}
	return h
}

// Close closes the idle connections. The Client stays usable; Close is idempotent.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// Generate asks for one answer to p.Turns and blocks until it is whole, at most
// Options.Timeout. With onText the answer is streamed: onText gets each piece of
// text in order, on the caller's goroutine, and may block (that time counts
// only towards Timeout); the pieces joined are the answer's text.
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
	ctx, cancel := context.WithTimeoutCause(ctx, c.o.Timeout, errSilence)
	defer cancel()
	c.retries.earn()
	return c.askModels(ctx, p, onText)
}

// askModels asks the models in order until one answers or the failure rules out the rest.
func (c *Client) askModels(ctx context.Context, p study.Prompt, onText func(string)) (study.Answer, error) {
	answer, fail := c.askModel(ctx, c.o.Model, p, onText, len(c.o.Fallbacks) > 0)
	var before []*study.Error
	for i, model := range c.o.Fallbacks {
		if fail == nil || fail.recovery == giveUp || ctx.Err() != nil {
			break
		}
		before = append(before, fail.err)
		answer, fail = c.askModel(ctx, model, p, onText, i+1 < len(c.o.Fallbacks))
	}
	if fail != nil {
		return answer, fail.errorAfter(before)
	}
	return answer, nil
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

// askModel asks one model, with one retry if that may help. more means that there is another
// model to ask afterwards.
func (c *Client) askModel(ctx context.Context, model string, p study.Prompt, onText func(string), more bool) (study.Answer, *failure) {
	if more && onText == nil {
		// A plain call shows no sign of life before its end. A third of the time is kept
		// for the next model, or a hanging one would use up all of it.
		deadline, _ := ctx.Deadline()
		short, cancel := context.WithTimeoutCause(ctx, time.Until(deadline)*2/3, errSilence)
		defer cancel()
		ctx = short
	}
	answer, fail := c.adaptModel(ctx, model, p, onText)
	if fail != nil && fail.starved && p.MaxTokens > 0 {
		p.MaxTokens = max(reasoningFactor*p.MaxTokens, minReasoning)
	}
	if fail == nil || fail.recovery != tryAgain || fail.wait > maxWait || more && fail.wait > 0 {
		return answer, fail // asking another model beats waiting for this one
	}
	delay := backoff(fail.wait)
	if !leavesTime(ctx, delay, c.o.Timeout/10) || c.breakers[model].blockedAt(time.Now().Add(delay)) || !fail.blocked && !c.retries.spend() {
		return answer, fail
	}
	if fail.wait > 0 && p.OnWait != nil {
		p.OnWait(fail.wait)
	}
	if !sleep(ctx, delay) {
		return answer, silenceFailure(ctx)
	}
	return c.adaptModel(ctx, model, p, onText)
}

// adaptModel makes one call, and further ones where the upstream refuses a parameter: without
// it, or with its other name. What works is remembered for the next calls of the model.
func (c *Client) adaptModel(ctx context.Context, model string, p study.Prompt, onText func(string)) (study.Answer, *failure) {
	known := c.capabilities[model]
	d := known.get()
	answer, fail := c.callModel(ctx, model, d, p, onText)
	for range maxAdaptions {
		if fail == nil || fail.body == nil {
			break
		}
		next, ok := d.adapted(p, onText != nil, fail.body)
		if !ok {
			break
		}
		d = next
		if answer, fail = c.callModel(ctx, model, d, p, onText); fail == nil {
			known.set(d)
		}
	}
	return answer, fail
}

// callModel makes one call, unless the model's breaker is open. The first piece of text
// shows that the upstream is healthy.
func (c *Client) callModel(ctx context.Context, model string, d dialect, p study.Prompt, onText func(string)) (study.Answer, *failure) {
	permit, reason := c.breakers[model].acquire(time.Now())
	if permit == nil {
		return study.Answer{}, blockedFailure(reason)
	}
	defer permit.report(unknown, 0) // onText may panic
	show := onText
	if onText != nil {
		show = func(text string) {
			permit.report(healthy, 0)
			onText(text)
		}
	}
	began := time.Now()
	answer, fail := c.doCall(ctx, model, d, p, show)
	if fail != nil {
		permit.report(fail.health, fail.restFor)
	} else {
		permit.report(healthy, 0)
	}
	c.observe(time.Since(began), answer, fail)
	return answer, fail
}

func (c *Client) observe(took time.Duration, answer study.Answer, fail *failure) {
	switch {
	case c.o.Observe == nil:
	case fail == nil:
		c.o.Observe(took, answer.Tokens, nil)
	default:
		c.o.Observe(took, answer.Tokens, fail.err)
	}
}
