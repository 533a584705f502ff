package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"studysharper/app/study"
	"studysharper/loadtest/client"
	"studysharper/loadtest/measure"
	"studysharper/loadtest/pace"
)

// userID is the user of all requests, as in the original load test.
const userID = "load-test-user"

// call is one request to make.
type call struct {
	request client.Request
	series  string // "" = the scenario's only kind
	success bool   // its answer must report success, besides having status 200
	cached  bool   // count cached and computed answers separately
}

// asker is a client that makes one call at a time.
type asker struct {
	o    *Options
	conn client.Client
	next func(n int64) call
	open bool // an open load: also report the times since requests were sent
}

// sinceSent is the series of an open load's times without the wait for a free client.
const sinceSent = "from when it was sent"

// asking returns a scenario of independent calls.
func asking(o *Options, next func(n int64) call) Scenario {
	return func(ctx context.Context, plan pace.Plan) (pace.Pace, error) {
		return plan.Run(ctx, func() pace.Worker {
			return &asker{o: o, conn: client.Client{Target: o.Target}, next: next, open: plan.Rate > 0}
		})
	}
}

// Once makes call n. A call cancelled by this side is not counted.
func (a *asker) Once(ctx context.Context, n int64, due time.Time) {
	c := a.next(n)
	began := time.Now()
	answer, err := a.conn.Do(ctx, c.request, a.o.Timeout)
	if err == nil && c.success {
		err = successful(answer.Body)
	}
	kind := client.KindOf(err)
	if kind == client.Canceled {
		return
	}
	series := c.series
	if c.cached && kind == "" {
		series = "not cached"
		if answer.Cached {
			series = "cached"
		}
	}
	if a.open {
		a.o.Sheet.Time(sinceSent, time.Since(began))
	}
	a.o.Sheet.Add(measure.Outcome{Series: series, Took: time.Since(due), Kind: string(kind)})
}

// Close closes the connection.
func (a *asker) Close() { a.conn.Close() }

// successful reports whether an answer reports success.
func successful(body []byte) error {
	var answer struct {
		Status string `json:"status"`
	}
	switch {
	case json.Unmarshal(body, &answer) != nil:
		return client.NotJSON
	case answer.Status != "success":
		return client.NoSuccess
	}
	return nil
}

// study returns a call of an agent request.
func (o *Options) study(kind study.Type, message, content string, series string) call {
	return call{series: series, success: true,
		request: o.Target.Request("POST", "/api/ai/agent-test", o.body(kind, message, content, ""), client.Options{Close: o.Fresh})}
}

// body returns the body of an agent request. If session is "", the service chooses one.
func (o *Options) body(kind study.Type, message, content, session string) []byte {
	options := map[string]string{}
	if content != "" {
		options["content"] = content
	}
	fields := map[string]any{"type": kind, "message": message, "options": options}
	if o.Target.Token == "" { // otherwise the token identifies the user, and another name is refused
		fields["user_id"] = userID
	}
	if session != "" {
		fields["session_id"] = session
	}
	text, err := json.Marshal(fields)
	if err != nil {
		panic(fmt.Sprintf("scenario: a request that is not JSON: %v", err)) // strings can always be encoded
	}
	return text
}

// text returns what request n is about: the given content, or a piece of the notes.
func (o *Options) text(notes Notes, n int64) string {
	if o.Content != "" {
		return o.Content
	}
	return notes.piece(n)
}

func (o *Options) get(path string) client.Request {
	return o.Target.Request("GET", path, nil, client.Options{Close: o.Fresh})
}
