package openai

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/study"
	"studysharper/loadtest/fakellm"
)

func TestGenerateAnswersPlainAndStreamed(t *testing.T) {
	server, o := fake(t)
	c := client(t, o)
	var pieces []string
	for _, onText := range []func(string){nil, func(s string) { pieces = append(pieces, s) }} {
		answer, err := c.Generate(t.Context(), prompt(), onText)
		if err != nil {
			t.Fatal(err)
		}
		// 2 words of the system turn, 4 of the user's, 8 of the answer.
		if want := (study.Answer{Text: words, Model: "first", Tokens: 14, PromptTokens: 6, CompletionTokens: 8, Calls: 1}); !reflect.DeepEqual(answer, want) {
			t.Errorf("answer is %+v, want %+v", answer, want)
		}
	}
	if got := strings.Join(pieces, ""); got != words || len(pieces) != 8 {
		t.Errorf("pieces are %q, want the 8 words", pieces)
	}
	got, err := server.Await(t.Context(), func(n fakellm.Counts) bool { return n.Active == 0 })
	if err != nil || got.Calls != 2 || got.Streams != 1 || got.Completed != 2 {
		t.Errorf("upstream counts %+v, %v", got, err)
	}
	if c.Name() != "first" {
		t.Errorf("name is %q", c.Name())
	}
}

func TestRequestSaysWhatThePromptSays(t *testing.T) {
	var seen fakellm.Request
	server := fakellm.New(fakellm.Options{Answer: func(r fakellm.Request) string { seen = r; return "{}" }})
	web := httptest.NewServer(server)
	defer web.Close()
	c := client(t, Options{BaseURL: web.URL + "/v1/", APIKey: keyCanary, Model: "m"})
	p := prompt()
	p.JSON, p.MaxTokens = true, 77
	if _, err := c.Generate(t.Context(), p, func(string) {}); err != nil {
		t.Fatal(err)
	}
	want := []fakellm.Message{{Role: "system", Content: p.Turns[0].Text}, {Role: "user", Content: p.Turns[1].Text}}
	if !slices.Equal(seen.Messages, want) {
		t.Errorf("messages are %+v", seen.Messages)
	}
	if seen.Model != "m" || seen.MaxTokens != 77 || seen.ResponseFormat.Type != "json_object" ||
		!seen.Stream || !seen.StreamOptions.IncludeUsage || seen.Header.Get("Authorization") != "Bearer "+keyCanary {
		t.Errorf("request is %+v", seen)
	}
	p.JSON = false
	if _, err := c.Generate(t.Context(), p, nil); err != nil {
		t.Fatal(err)
	}
	if seen.ResponseFormat.Type != "" || seen.Stream || seen.StreamOptions.IncludeUsage {
		t.Errorf("plain request is %+v", seen)
	}
}

func TestPromptIsRefusedOneByteOverItsBound(t *testing.T) {
	server, o := fake(t)
	p := prompt()
	o.MaxPromptBytes = len(p.Turns[0].Text) + len(p.Turns[1].Text)
	c := client(t, o)
	if _, err := c.Generate(t.Context(), p, nil); err != nil {
		t.Fatal(err)
	}
	p.Turns[1].Text += "x"
	_, err := c.Generate(t.Context(), p, nil)
	wantCode(t, err, study.CodeTooLarge)
	wantNoCanary(t, err)
	wantCalls(t, server, 1)
}

func TestPromptWithoutTurnsIsAnError(t *testing.T) {
	server, o := fake(t)
	_, err := client(t, o).Generate(t.Context(), study.Prompt{}, nil)
	wantCode(t, err, study.CodeInternal)
	wantCalls(t, server, 0)
}

func TestAnswerIsRefusedOneByteOverItsBound(t *testing.T) {
	both(t, func(t *testing.T, onText func(string)) {
		server, o := fake(t)
		o.MaxAnswerBytes = len(words)
		if _, err := client(t, o).Generate(t.Context(), prompt(), onText); err != nil {
			t.Fatal(err)
		}
		o.MaxAnswerBytes--
		_, err := client(t, o).Generate(t.Context(), prompt(), onText)
		wantCode(t, err, study.CodeUpstreamFailed)
		wantCalls(t, server, 2)
	})
}

func TestMaxConnsHoldsTheNextCallBack(t *testing.T) {
	server, o := fake(t, fakellm.Rule{Fault: fakellm.Hang, Times: 1})
	o.MaxConns, o.FirstByteTimeout = 1, 500*time.Millisecond
	c := client(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := c.Generate(ctx, prompt(), nil)
		done <- err
	}()
	if _, err := server.Await(t.Context(), func(n fakellm.Counts) bool { return n.Active == 1 }); err != nil {
		t.Fatal(err)
	}
	_, err := c.Generate(t.Context(), prompt(), func(string) {})
	wantCode(t, err, study.CodeUpstreamTimeout)
	wantCalls(t, server, 1)
	cancel()
	<-done
	if _, err := c.Generate(t.Context(), prompt(), func(string) {}); err != nil {
		t.Errorf("after the connection is free: %v", err)
	}
}

func TestStreamedCallsShareOneConnection(t *testing.T) {
	var opened atomic.Int32
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\ndata: [DONE]\n\n")
		_ = http.NewResponseController(w).Flush()
		<-time.After(10 * time.Millisecond) // the end of the body arrives in a separate packet
	}))
	web.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	web.Start()
	defer web.Close()
	c := client(t, Options{BaseURL: web.URL + "/v1", Model: "m"})
	for range 5 {
		if _, err := c.Generate(t.Context(), prompt(), func(string) {}); err != nil {
			t.Fatal(err)
		}
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections for 5 calls in a row, want 1", n)
	}
}

func TestUnusableAddressIsAnErrorThatDoesNotQuoteIt(t *testing.T) {
	for _, address := range []string{"http://user:" + keyCanary + "@\x7f/", "ftp://" + keyCanary, keyCanary, ""} {
		_, err := client(t, Options{BaseURL: address, APIKey: keyCanary, Timeout: 2 * time.Second}).Generate(t.Context(), prompt(), nil)
		if err == nil {
			t.Errorf("%q works", address)
		}
		wantNoCanary(t, err)
	}
}

func TestKeyWithALineBreakIsAnErrorThatDoesNotQuoteIt(t *testing.T) {
	server, o := fake(t)
	o.APIKey = keyCanary + "\r\nX-Evil: 1"
	_, err := client(t, o).Generate(t.Context(), prompt(), nil)
	if err == nil {
		t.Error("a key with a line break was sent")
	}
	wantNoCanary(t, err)
	wantCalls(t, server, 0)
}

func TestPlainAnswerToAStreamedCallIsOnePiece(t *testing.T) {
	_, o := fake(t, fakellm.Rule{Fault: fakellm.PlainForStream})
	var pieces []string
	answer, err := client(t, o).Generate(t.Context(), prompt(), func(s string) { pieces = append(pieces, s) })
	if err != nil || answer.Text != words || !slices.Equal(pieces, []string{words}) {
		t.Errorf("answer %+v in pieces %q, error %v", answer, pieces, err)
	}
}

func TestFilteredAnswerIsWithheldAndNotAskedAgain(t *testing.T) {
	both(t, func(t *testing.T, onText func(string)) {
		server, o := fake(t, fakellm.Rule{Fault: fakellm.Filtered})
		o.Fallbacks = []string{"second"}
		_, err := client(t, o).Generate(t.Context(), prompt(), onText)
		wantCode(t, err, study.CodeWithheld)
		wantCalls(t, server, 1)
	})
}

func TestEmptyAnswerIsAFailure(t *testing.T) {
	both(t, func(t *testing.T, onText func(string)) {
		server, o := fake(t, fakellm.Rule{Fault: fakellm.Empty})
		_, err := client(t, o).Generate(t.Context(), prompt(), onText)
		wantCode(t, err, study.CodeUpstreamFailed)
		wantCalls(t, server, 2)
	})
}

func TestStreamWithoutDoneIsWholeWhenTheModelSaidSo(t *testing.T) {
	_, o := fake(t, fakellm.Rule{Fault: fakellm.NoDone, Comments: 3})
	answer, err := client(t, o).Generate(t.Context(), prompt(), func(string) {})
	if err != nil || answer.Text != words || answer.Tokens != 14 {
		t.Errorf("answer %+v, error %v", answer, err)
	}
}

func TestAStreamIsBoundedByItsSilenceAndNotByThePlainLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := inBubble(Options{Timeout: time.Minute, StreamTimeout: 10 * time.Minute})
		began := time.Now()
		answer, err := c.Generate(t.Context(), prompt(), func(string) { time.Sleep(20 * time.Second) })
		if took := time.Since(began); err != nil || answer.Text != words || took < 2*time.Minute {
			t.Errorf("after %v: %+v, %v", took, answer, err)
		}
		c.o.StreamTimeout = time.Minute
		_, err = c.Generate(t.Context(), prompt(), func(string) { time.Sleep(20 * time.Second) })
		wantCode(t, err, study.CodeUpstreamTimeout)
	})
}

func TestSlowReaderIsNotTakenForASilentUpstream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := inBubble(Options{IdleTimeout: time.Second})
		answer, err := c.Generate(t.Context(), prompt(), func(string) {
			time.Sleep(2 * time.Second) // longer than IdleTimeout
		})
		if err != nil || answer.Text != words {
			t.Errorf("answer %+v, error %v", answer, err)
		}
	})
}
