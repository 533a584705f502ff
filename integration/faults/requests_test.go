package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
)

// patience is how long a client of the fault suite waits. A request that takes longer fails the test.
const patience = 20 * time.Second

// oneShotClient makes each request on a new connection, so that either worker may answer and nothing is retried.
var oneShotClient = http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

// askOnce makes one request on a new connection and reads the whole answer. body is sent as JSON; nil = no body.
func askOnce(s *harness.Service, method, path string, body any) (harness.Answer, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return harness.Answer{}, err
		}
	}
	return s.SendBy(&oneShotClient, method, path, text, "Authorization", "Bearer "+harness.AdminToken)
}

// problemCode returns the code of a problem; "" for an answer that is not a problem.
func problemCode(a harness.Answer) string {
	var problem struct{ Code string }
	if json.Unmarshal(a.Body, &problem) != nil {
		return ""
	}
	return problem.Code
}

// idOf returns the id of what was created or read.
func idOf(a harness.Answer) string {
	var made struct{ ID string }
	if json.Unmarshal(a.Body, &made) != nil {
		return ""
	}
	return made.ID
}

// runToEnd starts a run in a new session and reads its stream to the end, on one connection. text is the events as
// received.
func runToEnd(s *harness.Service, body any) (events []harness.Event, text string, err error) {
	begun, err := askOnce(s, http.MethodPost, "/api/ai/process-stream", body)
	if err != nil {
		return nil, "", err
	}
	var at struct {
		URL string `json:"stream_url"`
	}
	if err := json.Unmarshal(begun.Body, &at); err != nil || begun.Status != http.StatusOK {
		return nil, "", fmt.Errorf("status %d: %s", begun.Status, begun.Body)
	}
	return readToEnd(s, at.URL)
}

// readToEnd reads a stream until the server ends it.
func readToEnd(s *harness.Service, path string) (events []harness.Event, text string, err error) {
	response, err := oneShotClient.Get(s.URL + path)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	all, err := io.ReadAll(io.LimitReader(response.Body, 8<<20))
	events, wrong := harness.NewEventReader(bytes.NewReader(all)).All()
	return events, string(all), errors.Join(err, wrong)
}

// terminalEvent returns a stream's one terminal event, or an error if there is none, more than one, or anything after
// it.
func terminalEvent(events []harness.Event) (harness.Event, error) {
	for i, e := range events {
		if e.Type != "complete" && e.Type != "error" {
			continue
		}
		if i != len(events)-1 {
			return e, fmt.Errorf("after %q the stream continues: %+v", e.Type, events[i+1:])
		}
		return e, nil
	}
	return harness.Event{}, fmt.Errorf("the stream of %d events has no end", len(events))
}

// awaitHealthy makes requests until a few answers in a row, from either worker, are 200, and returns the time from
// which they were. It fails the test if that takes longer than readyWithin.
func (i *incident) awaitHealthy(ask func(n int) (harness.Answer, error)) time.Time {
	i.Helper()
	const inARow = 6
	began, since, good := time.Now(), time.Now(), 0
	for n := 0; good < inARow; n++ {
		asked := time.Now()
		got, err := ask(n)
		if err == nil && got.Status < http.StatusMultipleChoices {
			if good++; good == 1 {
				since = asked
			}
			continue
		}
		good = 0
		if time.Since(began) > harness.ReadyWithin {
			i.Fatalf("not served again: %v, status %d: %.300s", err, got.Status, got.Body)
		}
		testkit.Pause(20 * time.Millisecond)
	}
	return since
}

// wantAbsent checks that none of the words, which are secrets, is in the text.
func (i *incident) wantAbsent(where, text string, words ...string) {
	i.Helper()
	for _, word := range words {
		if at := strings.Index(text, word); at >= 0 {
			i.Errorf("%s contains %q: …%s…", where, word, text[max(0, at-200):min(len(text), at+len(word)+100)])
		}
	}
}
