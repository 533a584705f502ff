package integration

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// patience is how long a client of the fault suite waits: who is left hanging for longer fails the test.
const patience = 20 * time.Second

// impatient makes each request on a connection of its own, so that either worker may answer and nothing is tried again.
var impatient = http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

// ask makes one request and reads the whole answer. body is sent as JSON; nil = no body.
func (s *service) ask(method, path string, body any) (answer, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return answer{}, err
		}
	}
	return s.sendBy(&impatient, method, path, text, "Authorization", "Bearer "+adminToken)
}

// code is what a problem says to machines; "" for an answer that is not a problem.
func (a answer) code() string {
	var problem struct{ Code string }
	if json.Unmarshal(a.body, &problem) != nil {
		return ""
	}
	return problem.Code
}

// id is that of what was made or read.
func (a answer) id() string {
	var made struct{ ID string }
	if json.Unmarshal(a.body, &made) != nil {
		return ""
	}
	return made.ID
}

// run begins a run of its own session and reads its stream to the end, on one connection. The text is the events as
// they came.
func (s *service) run(body any) (events []event, text string, err error) {
	begun, err := s.ask(http.MethodPost, "/api/ai/process-stream", body)
	if err != nil {
		return nil, "", err
	}
	var at struct {
		URL string `json:"stream_url"`
	}
	if err := json.Unmarshal(begun.body, &at); err != nil || begun.status != http.StatusOK {
		return nil, "", fmt.Errorf("status %d: %s", begun.status, begun.body)
	}
	return s.watch(at.URL)
}

// watch reads a stream until the server ends it.
func (s *service) watch(path string) (events []event, text string, err error) {
	response, err := impatient.Get(s.url + path)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	all, err := io.ReadAll(io.LimitReader(response.Body, 8<<20))
	lines := bufio.NewScanner(bytes.NewReader(all))
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data:"); ok {
			var e event
			if wrong := json.Unmarshal([]byte(data), &e); wrong != nil {
				return events, string(all), errors.Join(err, wrong)
			}
			events = append(events, e)
		}
	}
	return events, string(all), errors.Join(err, lines.Err())
}

// theEnd is a stream's one terminal event, or an error when it has none, more than one, or anything behind it.
func theEnd(events []event) (event, error) {
	for i, e := range events {
		if e.Type != "complete" && e.Type != "error" {
			continue
		}
		if i != len(events)-1 {
			return e, fmt.Errorf("after %q the stream continues: %+v", e.Type, events[i+1:])
		}
		return e, nil
	}
	return event{}, fmt.Errorf("the stream of %d events has no end", len(events))
}

// healed asks until a few answers in a row, from either worker, are 200, and gives the moment from which they were. It
// fails the test where that takes longer than readyWithin.
func (i *incident) healed(ask func(n int) (answer, error)) time.Time {
	i.Helper()
	const inARow = 6
	began, since, good := time.Now(), time.Now(), 0
	for n := 0; good < inARow; n++ {
		asked := time.Now()
		got, err := ask(n)
		if err == nil && got.status < http.StatusMultipleChoices {
			if good++; good == 1 {
				since = asked
			}
			continue
		}
		good = 0
		if time.Since(began) > readyWithin {
			i.Fatalf("not served again: %v, status %d: %.300s", err, got.status, got.body)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return since
}

// wantSilence fails where one of the words, which are nobody's business, is in the text.
func (i *incident) wantSilence(where, text string, words ...string) {
	i.Helper()
	for _, word := range words {
		if at := strings.Index(text, word); at >= 0 {
			i.Errorf("%s tells %q: …%s…", where, word, text[max(0, at-200):min(len(text), at+len(word)+100)])
		}
	}
}
