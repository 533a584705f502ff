package openai

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"studysharper/app/study"
)

// call makes one HTTP call and reads its answer. It never runs on after ctx has ended.
func (c *Client) call(ctx context.Context, model string, p study.Prompt, onText func(string)) (study.Answer, *failure) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := newWatch(func() { cancel(errSilence) }, onText != nil)
	defer watch.rest()

	req, fail := c.request(ctx, model, p, onText != nil)
	if fail != nil {
		return study.Answer{}, fail
	}
	watch.allow(c.o.FirstByteTimeout)
	resp, err := c.http.Do(req)
	if err != nil {
		return study.Answer{}, ioFailure(ctx, err, tryAgain, study.CodeUpstreamUnavailable, "the model's API cannot be reached")
	}
	defer resp.Body.Close()
	watch.allow(c.o.IdleTimeout)
	if resp.StatusCode != http.StatusOK {
		return study.Answer{}, refusal(resp, watch)
	}
	r := &reading{ctx: ctx, o: c.o, watch: watch, onText: onText, answer: study.Answer{Model: model},
		body: &boundedReader{r: resp.Body, left: c.o.MaxRawBytes}}
	fail = r.read(resp.Header)
	r.answer.Text = r.text.String()
	return r.answer, fail
}

// request makes the HTTP request.
func (c *Client) request(ctx context.Context, model string, p study.Prompt, stream bool) (*http.Request, *failure) {
	body, err := encodeRequest(model, p, stream)
	if err == nil {
		var req *http.Request
		if req, err = http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body)); err == nil {
			c.setHeaders(req.Header, stream)
			return req, nil
		}
	}
	// The error would quote the URL, which may hold credentials.
	return nil, failed(giveUp, errExchange, "the model's API has no usable address")
}

func (c *Client) setHeaders(h http.Header, stream bool) {
	h.Set("Content-Type", "application/json")
	h.Set("Accept", "application/json")
	if stream {
		h.Set("Accept", "text/event-stream")
	}
	h.Set("User-Agent", "studysharper")
	if c.o.APIKey != "" {
		h.Set("Authorization", "Bearer "+c.o.APIKey)
	}
}

// watch ends a streamed call whose upstream stays silent. It stands still while
// the caller's onText runs.
type watch struct {
	timer *time.Timer
	on    bool // off for plain calls, which are silent until they are done
}

// newWatch makes a watch that stands still; end is called from a goroutine of its own.
func newWatch(end func(), on bool) *watch {
	w := &watch{timer: time.AfterFunc(time.Hour, end), on: on}
	w.rest()
	return w
}

// allow starts the time anew.
func (w *watch) allow(d time.Duration) {
	if w.on {
		w.demand(d)
	}
}

// demand is allow for plain calls too.
func (w *watch) demand(d time.Duration) { w.timer.Reset(d) }

func (w *watch) rest() { w.timer.Stop() }
