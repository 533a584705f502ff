// Package llm asks a language model for an answer, through any API that speaks
// OpenAI's chat completions. The one idea: an upstream is not trusted. Every wait,
// byte and retry is bounded by Options, its words reach a student only as an answer
// and never inside an error, and what it does wrong comes out as one of a few codes.
package llm

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"time"

	"studysharper/app/study"
)

const maxIdleConns = 16

// Options configures a Client. A field that is zero or negative gets its default.
type Options struct {
	BaseURL   string   // up to and without /chat/completions, e.g. https://openrouter.ai/api/v1
	APIKey    string   // sent as a bearer token; "" = none
	Model     string   // asked first
	Fallbacks []string // asked in order when the model before failed in a way another may not

	Timeout          time.Duration // one Generate, all tries and fallbacks together; default 60 s
	ConnectTimeout   time.Duration // name look-up and connection, and again the TLS handshake; default 2 s
	FirstByteTimeout time.Duration // of a streamed call, until its headers; default 30 s
	IdleTimeout      time.Duration // of a streamed call, between two lines; default 30 s

	MaxAnswerBytes int // text of an answer; default 1 MiB
	MaxRawBytes    int // body of a response; default 8 MiB
	MaxPromptBytes int // text of a prompt's turns together; default 1 MiB
	MaxConns       int // connections to the API, busy or idle; default 64. More calls wait, within their time
	RetryBurst     int // retries allowed in a row before they are held to a tenth of the calls; default 10

	// Observe is told of each HTTP call that was made: how long it took, the tokens that the
	// API says it cost, and its failure, a *study.Error. It must not block. Default: nobody.
	Observe func(took time.Duration, tokens int, err error)
}

// withDefaults fills in what is missing.
func (o Options) withDefaults() Options {
	set(&o.Timeout, time.Minute)
	set(&o.ConnectTimeout, 2*time.Second)
	set(&o.FirstByteTimeout, 30*time.Second)
	set(&o.IdleTimeout, 30*time.Second)
	set(&o.MaxAnswerBytes, 1<<20)
	set(&o.MaxRawBytes, 8<<20)
	set(&o.MaxPromptBytes, 1<<20)
	set(&o.MaxConns, 64)
	set(&o.RetryBurst, 10)
	return o
}

func set[T int | time.Duration](field *T, otherwise T) {
	if *field <= 0 {
		*field = otherwise
	}
}

// Client asks the models of one API. It is safe for concurrent use. Up to 16 idle
// connections, with their goroutines, are kept for 90 s or until Close.
type Client struct {
	o        Options
	endpoint string
	http     *http.Client
	retries  *retryBudget
	breakers map[string]*breaker // by model; none is added after New
}

// New makes a Client. It touches nothing: a wrong BaseURL or key shows in Generate.
func New(o Options) *Client {
	o = o.withDefaults()
	breakers := map[string]*breaker{o.Model: {}}
	for _, model := range o.Fallbacks {
		breakers[model] = &breaker{}
	}
	return &Client{
		o:        o,
		endpoint: strings.TrimRight(o.BaseURL, "/") + "/chat/completions",
		retries:  newRetryBudget(o.RetryBurst),
		breakers: breakers,
		http: &http.Client{
			Transport: newTransport(o, nil),
			// A redirect could carry the prompt and the key anywhere, a cloud's metadata address included.
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
		ForceAttemptHTTP2:      true, // a DialContext of one's own switches it off otherwise
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
		DisableCompression:     true, // a bomb would inflate, and gzip holds tokens back
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    maxIdleConns,
		MaxConnsPerHost:        o.MaxConns,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// Name is the model asked first, as configured.
func (c *Client) Name() string { return c.o.Model }

// Health is what a Client's circuit breakers say.
type Health struct {
	FirstOpen bool // the model asked first is left alone, or not yet known to be well again
	Open      int  // how many models are
}

// Health gives the health now. It never blocks for long.
func (c *Client) Health() Health {
	now := time.Now()
	h := Health{FirstOpen: c.breakers[c.o.Model].open(now)}
	for _, b := range c.breakers {
		if b.open(now) {
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
// asked for five seconds, and again until one call to it has gone well; one that is
// asks us to wait is not asked meanwhile, or for a minute where that is less. The
// fallbacks then come first. Where none is left, a wait of up to 5 s is waited for, and
// p.OnWait told; otherwise the call fails at once.
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
	if err := c.check(p); err != nil {
		return study.Answer{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.o.Timeout, errSilence)
	defer cancel()
	c.retries.earn()
	return c.askAll(ctx, p, onText)
}

// askAll asks the models in order until one answers or none would.
func (c *Client) askAll(ctx context.Context, p study.Prompt, onText func(string)) (study.Answer, error) {
	answer, fail := c.ask(ctx, c.o.Model, p, onText, len(c.o.Fallbacks) > 0)
	var before []*study.Error
	for i, model := range c.o.Fallbacks {
		if fail == nil || fail.next == giveUp || ctx.Err() != nil {
			break
		}
		before = append(before, fail.err)
		answer, fail = c.ask(ctx, model, p, onText, i+1 < len(c.o.Fallbacks))
	}
	if fail != nil {
		return answer, fail.after(before)
	}
	return answer, nil
}

// check refuses a prompt that is not worth a call.
func (c *Client) check(p study.Prompt) error {
	if len(p.Turns) == 0 {
		return study.Errorf(study.CodeInternal, "a prompt without turns")
	}
	if promptBytes(p) > c.o.MaxPromptBytes {
		return study.Errorf(study.CodeTooLarge, "the text for the model is longer than %d bytes", c.o.MaxPromptBytes)
	}
	return nil
}

// ask asks one model, twice where that may help. more says that another model
// could be asked after it.
func (c *Client) ask(ctx context.Context, model string, p study.Prompt, onText func(string), more bool) (study.Answer, *failure) {
	if more && onText == nil {
		// A plain answer has no sign of life before its end. A third of the time is
		// kept for the next model, or a hanging one would use up all of it.
		deadline, _ := ctx.Deadline()
		short, cancel := context.WithTimeoutCause(ctx, time.Until(deadline)*2/3, errSilence)
		defer cancel()
		ctx = short
	}
	answer, fail := c.try(ctx, model, p, onText)
	if fail == nil || fail.next != tryAgain || fail.wait > maxWait || more && fail.wait > 0 {
		return answer, fail // another model is rather asked than this one waited for
	}
	delay := backoff(fail.wait)
	if !fits(ctx, delay, c.o.Timeout/10) || c.breakers[model].refuses(time.Now().Add(delay)) || !fail.refused && !c.retries.spend() {
		return answer, fail
	}
	if fail.wait > 0 && p.OnWait != nil {
		p.OnWait(fail.wait)
	}
	if !sleep(ctx, delay) {
		return answer, silenceFailure(ctx)
	}
	return c.try(ctx, model, p, onText)
}

// try makes one call, unless the model's breaker is open. A stream is known to be
// well by its first piece of text.
func (c *Client) try(ctx context.Context, model string, p study.Prompt, onText func(string)) (study.Answer, *failure) {
	pass, no := c.breakers[model].admit(time.Now())
	if pass == nil {
		return study.Answer{}, refused(no)
	}
	defer pass.tell(unsure, 0) // onText may panic
	show := onText
	if onText != nil {
		show = func(text string) {
			pass.tell(well, 0)
			onText(text)
		}
	}
	began := time.Now()
	answer, fail := c.call(ctx, model, p, show)
	if fail != nil {
		pass.tell(fail.verdict, fail.rest)
	} else {
		pass.tell(well, 0)
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
