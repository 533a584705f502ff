package openai

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"studysharper/app/study"
)

// behaviours is the corpus that the whole service is tested with; these tests truncate it at any byte.
const behaviours = "../upstreamtest/behaviours.json"

// recordings are raw responses: OpenRouter's, and those of the corpus.
func recordings(f *testing.F) (list [][]byte) {
	f.Helper()
	files, err := filepath.Glob("testdata/openrouter/*.http")
	if err != nil || len(files) == 0 {
		f.Fatal("there are no recordings", err)
	}
	for _, file := range files {
		recording, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		list = append(list, recording)
	}
	var corpus []struct {
		Responses []struct{ Text, Base64 string }
	}
	raw, err := os.ReadFile(behaviours)
	if err == nil {
		err = json.Unmarshal(raw, &corpus)
	}
	if err != nil {
		f.Fatal(err)
	}
	for _, behaviour := range corpus {
		for _, r := range behaviour.Responses {
			recording := []byte(r.Text)
			if r.Base64 != "" {
				if recording, err = base64.StdEncoding.DecodeString(r.Base64); err != nil {
					f.Fatal(err)
				}
			}
			list = append(list, recording)
		}
	}
	return list
}

// responder answers every call with the same bytes.
type responder struct {
	status int
	header http.Header
	body   []byte
	calls  int
}

func (r *responder) RoundTrip(*http.Request) (*http.Response, error) {
	r.calls++
	return &http.Response{StatusCode: r.status, Header: r.header.Clone(), Body: io.NopCloser(bytes.NewReader(r.body))}, nil
}

// mostCalls counts a first call and its adaptions, twice.
const mostCalls = 2 * (1 + maxAdaptions)

func FuzzResponse(f *testing.F) {
	for i, recording := range recordings(f) {
		status := []int{0, 200, 400, 422, 429, 500}[i%6]
		f.Add(recording, status, len(recording), i%2 == 0)
		f.Add(recording, 0, len(recording)*3/4, i%2 == 1)
	}
	f.Fuzz(func(t *testing.T, raw []byte, status, cut int, streamed bool) {
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
		if err != nil {
			t.Skip("not HTTP")
		}
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<16)) // as far as it is readable
		_ = resp.Body.Close()
		up := &responder{status: resp.StatusCode, header: resp.Header, body: body[:min(max(cut, 0), len(body))]}
		if status >= 200 && status <= 599 {
			up.status = status
		}
		synctest.Test(t, func(t *testing.T) { checkResponse(t, up, streamed) })
	})
}

// checkResponse makes a call and checks what must hold for every response.
func checkResponse(t *testing.T, up *responder, streamed bool) {
	t.Helper()
	c := New(Options{BaseURL: "http://fake/v1", Model: "first", APIKey: keyCanary, Effort: "low"})
	c.http.Transport = up
	p, shown := structured(), 0
	p.MaxTokens = 100
	var onText func(string)
	if streamed {
		onText = func(s string) { shown += len(s) }
	}
	answer, err := c.Generate(t.Context(), p, onText)
	if answer.Calls != up.calls || up.calls > mostCalls {
		t.Errorf("%d calls, %d reported", up.calls, answer.Calls)
	}
	if len(answer.Text) > c.o.MaxAnswerBytes+maxTag || answer.Tokens < 0 || answer.Cost < 0 {
		t.Errorf("answer of %d bytes, %d tokens, cost %v", len(answer.Text), answer.Tokens, answer.Cost)
	}
	if err == nil {
		if bytes.TrimSpace([]byte(answer.Text)) == nil {
			t.Error("an answer without text is not an answer")
		}
		return
	}
	wantNoCanary(t, err)
	if e := study.AsError(err); e.Code == study.CodeInternal || e.RetryAfter < 0 || e.Message == "" || len(e.Message) > 300 {
		t.Errorf("error %+v", e)
	}
}
