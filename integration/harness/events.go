package harness

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"studysharper/app/stream/eventstream"
)

// Event is one event of a stream.
type Event struct {
	ID    string `json:"-"` // of this event, or the last one before it that has an id
	RunID string `json:"run_id"`
	Type  string `json:"type"`
	Seq   int    `json:"seq"`
	Text  string `json:"text"`
	Data  struct {
		Step       int `json:"step"`
		TotalSteps int `json:"total_steps"`
	} `json:"data"`
	Success   bool   `json:"success"`
	Error     string `json:"error"`
	Retryable bool   `json:"retryable"`
	Missed    int    `json:"missed"`
	Code      string `json:"code"`
}

// EventReader reads the events of one response.
type EventReader struct{ reader *eventstream.Reader }

// NewEventReader returns a reader of a response's body.
func NewEventReader(body io.Reader) EventReader {
	return EventReader{eventstream.NewReader(body, eventstream.Limits{Line: 4 << 20, Event: 4 << 20})}
}

// Next waits for the next event. The error at the end of the response is io.EOF, or io.ErrUnexpectedEOF in the middle
// of an event.
func (r EventReader) Next() (Event, error) {
	raw, err := r.reader.Next()
	if err == io.EOF && r.reader.Partial() {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return Event{}, err
	}
	e := Event{ID: raw.ID}
	if err := json.Unmarshal(raw.Data, &e); err != nil {
		return e, fmt.Errorf("event %q: %w", raw.Data, err)
	}
	return e, nil
}

// All reads the events up to the end of the response.
func (r EventReader) All() ([]Event, error) {
	var events []Event
	for {
		e, err := r.Next()
		if err == io.EOF {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
}

// Follow reads a stream until the server ends it.
func (s *Service) Follow(t *testing.T, path string) []Event {
	t.Helper()
	response, err := httpClient.Get(s.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if kind := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "text/event-stream") {
		t.Fatalf("GET %s: %s, Content-Type %q", path, response.Status, kind)
	}
	events, err := NewEventReader(response.Body).All()
	if err != nil {
		t.Fatalf("the stream broke after %d events: %v", len(events), err)
	}
	return events
}
