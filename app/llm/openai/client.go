// Package openai calls language models through any API that is compatible with OpenAI's chat completions. The one idea:
// the upstream is not trusted. Options limit every wait, byte and retry; the upstream's text reaches a student only as
// an answer, never in an error; and every fault of the upstream becomes one of a few error codes.
package openai

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"studysharper/app/study"
)

const maxIdleConns = 16

// Options configures a Client. Fields that are zero or negative get their defaults.
type Options struct {
	BaseURL    string   // e.g. https://openrouter.ai/api/v1
	APIKey     string   // sent as a bearer token; "" = none
	APIVersion string   // Azure's api-version; the key is then sent as api-key
	Model      string   // tried first
	Fallbacks  []string // tried in this order, each if the model before it fails

	Timeout          time.Duration // for one plain Generate, with all retries and fallbacks; default 60 s
	StreamTimeout    time.Duration // for a streamed one; default Timeout
	ConnectTimeout   time.Duration // for name lookup and connection, and separately for the TLS handshake; default 2 s
	FirstByteTimeout time.Duration // for a streamed call, until its headers; default 30 s
	IdleTimeout      time.Duration // for a streamed call, between two lines; default 30 s

	MaxAnswerBytes int // text of an answer; default 1 MiB
	MaxRawBytes    int // body of a response; default 8 MiB
	MaxPromptBytes int // text of a prompt's turns together; default 1 MiB
	MaxConns       int // connections to the API, busy or idle; default 64. Further calls wait, within their timeout
	RetryBurst     int // retries in a row before they are limited to a tenth of the calls; default 10

	MaxTokens int    // limit of an answer's tokens, including reasoning tokens; 0 = the prompt's
	Effort    string // of reasoning, if a prompt does not set it; "" = the model's default

	Memory Memory // what models accept; nil = private to this Client

	// Observe is called after each HTTP call of a model with its duration, the reported usage (tokens, cost) and its
	// error, a *study.Error. It must not block. Default: not called.
	Observe func(model string, took time.Duration, answer study.Answer, err error)
}

func (o Options) withDefaults() Options {
	setDefault(&o.Timeout, time.Minute)
	setDefault(&o.StreamTimeout, o.Timeout)
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

// Client calls the models of one API. It is safe for concurrent use. It keeps up to 16 idle connections open, for 90 s
// or until Close.
type Client struct {
	o            Options
	address      address
	http         *http.Client
	retries      *retryBudget
	breakers     map[string]*breaker      // by model; not changed after New
	capabilities map[string]*capabilities // by model; not changed after New
	listed       *atomic.Int64            // when the list of models was requested, in ns; 0 = never
}

// New returns a Client. It makes no call: a wrong BaseURL or key fails in Generate.
func New(o Options) *Client {
	o = o.withDefaults()
	breakers := make(map[string]*breaker)
	known := make(map[string]*capabilities)
	for i, model := range slices.Concat([]string{o.Model}, o.Fallbacks) {
		memory := o.Memory
		if memory == nil || i >= MaxModels {
			memory, i = &localMemory{}, 0
		}
		breakers[model], known[model] = &breaker{}, newCapabilities(memory, i, model)
	}
	return &Client{
		o:            o,
		address:      newAddress(o.BaseURL, o.APIVersion),
		retries:      newRetryBudget(o.RetryBurst),
		breakers:     breakers,
		capabilities: known,
		listed:       new(atomic.Int64),
		http: &http.Client{
			Transport: newDirectTransport(o),
			// A redirect could send the prompt and the key anywhere, even to a cloud's metadata address.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// WithModel returns a Client for another model, without fallbacks, that shares the connections and the retry budget of
// this one. Closing either one closes the idle connections of both.
func (c *Client) WithModel(model string) *Client {
	other := *c
	memory, index := c.o.Memory, 1+len(c.o.Fallbacks)
	if memory == nil || index >= MaxModels {
		memory, index = &localMemory{}, 0
	}
	other.o.Model, other.o.Fallbacks = model, nil
	other.listed = new(atomic.Int64)
	other.breakers = map[string]*breaker{model: {}}
	other.capabilities = map[string]*capabilities{model: newCapabilities(memory, index, model)}
	return &other
}

// newTransport creates the bounded connection pool; with a nil resolver it uses the system's.
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
		IdleConnTimeout:        idleFor,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

// Name returns the configured first model.
func (c *Client) Name() string { return c.o.Model }

// Health is the state of a Client's models.
type Health struct {
	FirstOpen     bool // the first model is paused or not known to have recovered
	FirstRefusing bool // the upstream has refused the API key, the account, the address or the model's name three times in a row, counting all processes that share Memory
	Open          int  // number of models that are paused or not known to have recovered
}

// Health returns the current state. It does not block for long.
func (c *Client) Health() Health {
	now := time.Now()
	first := c.breakers[c.o.Model]
	h := Health{FirstOpen: first.openAt(now), FirstRefusing: c.capabilities[c.o.Model].refusals() >= refuseStreak}
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

// ContextTokens returns the size of the first model's context as reported by the upstream, in tokens of prompt and
// answer together; 0 = unknown. If nothing is known yet, it requests the list of models, for at most two seconds, and
// after a failure not again for ten minutes.
func (c *Client) ContextTokens(ctx context.Context) int {
	known := c.capabilities[c.o.Model]
	if tokens := known.contextTokens(); tokens > 0 {
		return tokens
	}
	last, now := c.listed.Load(), time.Now().UnixNano()
	if last > 0 && now-last < int64(relistAfter) || !c.listed.CompareAndSwap(last, now) {
		return 0
	}
	ctx, cancel := context.WithTimeoutCause(ctx, learnTimeout, errSilence)
	defer cancel()
	list, err := c.findModel(ctx, c.address.of(c.o.Model, "models"), c.o.Model)
	if err == nil && list.context > 0 {
		known.setContext(list.context)
	}
	return list.context
}

const (
	learnTimeout = 2 * time.Second
	relistAfter  = 10 * time.Minute
)
