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

// userID is whose requests these are, as in the seed's load test.
const userID = "load-test-user"

// call is one request to make.
type call struct {
	request client.Request
	series  string // "" = it is of the scenario's only sort
	success bool   // its answer must say so, besides being a 200
	cached  bool   // it is to be counted apart whether the answer comes from the cache
}

// asker is a client that makes one call at a time.
type asker struct {
	o    *Options
	conn client.Client
	next func(n int64) call
	open bool // requests are due at their time: how long they take from when they are sent is told besides
}

// sinceSent is the series of an open load's times without the wait for a free client.
const sinceSent = "from when it was sent"

// asking is a scenario of calls that do not know of one another.
func asking(o *Options, next func(n int64) call) Scenario {
	return func(ctx context.Context, plan pace.Plan) (pace.Pace, error) {
		return plan.Run(ctx, func() pace.Worker {
			return &asker{o: o, conn: client.Client{Target: o.Target}, next: next, open: plan.Rate > 0}
		})
	}
}

// Once makes call n. One that this side ended is not counted.
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

// Close ends the connection.
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

// study makes an agent request.
func (o *Options) study(kind study.Type, message, content string, series string) call {
	return call{series: series, success: true,
		request: o.Target.Request("POST", "/api/ai/agent-test", o.body(kind, message, content, ""), client.Options{Close: o.Fresh})}
}

// body is an agent request's. A session of "" is left to the service.
func (o *Options) body(kind study.Type, message, content, session string) []byte {
	options := map[string]string{}
	if content != "" {
		options["content"] = content
	}
	fields := map[string]any{"type": kind, "message": message, "options": options}
	if o.Target.Token == "" { // else the token says who it is, and another name is refused
		fields["user_id"] = userID
	}
	if session != "" {
		fields["session_id"] = session
	}
	text, err := json.Marshal(fields)
	if err != nil {
		panic(fmt.Sprintf("scenario: a request that is not JSON: %v", err)) // strings always are
	}
	return text
}

// text is what request n is about: the content that was given, or a piece of notes.
func (o *Options) text(notes Notes, n int64) string {
	if o.Content != "" {
		return o.Content
	}
	return notes.piece(n)
}

func (o *Options) get(path string) client.Request {
	return o.Target.Request("GET", path, nil, client.Options{Close: o.Fresh})
}
