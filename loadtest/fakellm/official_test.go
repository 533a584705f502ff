package fakellm

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// official is OpenAI's own client, connected to a fake; it does not retry.
func official(url, key string) openai.Client {
	return openai.NewClient(option.WithBaseURL(url+"/v1/"), option.WithAPIKey(key), option.WithMaxRetries(0))
}

// question requests an answer and, if streamed, its usage.
func question(text string, stream bool) openai.ChatCompletionNewParams {
	p := openai.ChatCompletionNewParams{Model: "some-model", Messages: []openai.ChatCompletionMessageParamUnion{
		openai.SystemMessage("Be brief."), openai.UserMessage(text)}}
	if stream {
		p.StreamOptions.IncludeUsage = openai.Bool(true)
	}
	return p
}

const trickyText = "sugar\n\"light\" \\ <b>&amp;</b> \u2028 Zucker für 光合作用 🌱 end"

// tricky serves a fake whose text contains everything that must be escaped.
func tricky(t *testing.T, rules ...Rule) (*Server, openai.Client) {
	t.Helper()
	s, url := serve(t, Options{Key: "sk-1", Rules: rules, Answer: func(Request) string { return trickyText }})
	return s, official(url, "sk-1")
}

func TestOfficialClientReadsAPlainAnswer(t *testing.T) {
	_, client := tricky(t)
	got, err := client.Chat.Completions.New(t.Context(), question("hello there", false))
	if err != nil {
		t.Fatal(err)
	}
	if got.ID == "" || got.Model != "some-model" || time.Since(time.Unix(got.Created, 0)) > time.Minute || len(got.Choices) != 1 {
		t.Fatalf("answer is %+v", got)
	}
	c := got.Choices[0]
	if c.Message.Content != trickyText || c.FinishReason != "stop" || string(c.Message.Role) != "assistant" || c.Message.Refusal != "" {
		t.Errorf("choice is %+v", c)
	}
	wantUsage(t, got.Usage)
}

// wantUsage fails unless the usage counts words: 2 in the system message, 2 in the user's, and those of trickyText.
func wantUsage(t *testing.T, u openai.CompletionUsage) {
	t.Helper()
	said := int64(len(Tokens(trickyText)))
	if u.PromptTokens != 4 || u.CompletionTokens != said || u.TotalTokens != said+4 {
		t.Errorf("usage is %+v", u)
	}
}

func TestOfficialClientReadsAStreamedAnswer(t *testing.T) {
	for name, rule := range map[string]Rule{"plain": {}, "with comments": {Comments: 3}, "without [DONE]": {Fault: NoDone}} {
		s, client := tricky(t, rule)
		stream := client.Chat.Completions.NewStreaming(t.Context(), question("hello there", true))
		var whole openai.ChatCompletionAccumulator
		for stream.Next() {
			if !whole.AddChunk(stream.Current()) {
				t.Fatalf("%s: a chunk does not fit: %s", name, stream.Current().RawJSON())
			}
		}
		if err := stream.Err(); err != nil || len(whole.Choices) != 1 {
			t.Fatalf("%s: %d choices, error %v", name, len(whole.Choices), err)
		}
		if c := whole.Choices[0]; c.Message.Content != trickyText || c.FinishReason != "stop" || whole.Model != "some-model" {
			t.Errorf("%s: choice is %+v", name, c)
		}
		wantUsage(t, whole.Usage)
		// The client receives the last byte before the server has counted the call.
		if n, err := s.Await(t.Context(), func(c Counts) bool { return c.Active == 0 }); err != nil || n.Streams != 1 || n.Completed != 1 {
			t.Errorf("%s: counts are %+v, %v", name, n, err)
		}
	}
}

func TestOfficialClientReadsNoUsageItDidNotAskFor(t *testing.T) {
	_, client := tricky(t)
	stream := client.Chat.Completions.NewStreaming(t.Context(), question("hello", false))
	for stream.Next() {
		if u := stream.Current().Usage; u.TotalTokens != 0 {
			t.Errorf("usage is %+v", u)
		}
	}
	if err := stream.Err(); err != nil {
		t.Error(err)
	}
}

func TestOfficialClientReadsErrorStatuses(t *testing.T) {
	for status, kind := range map[int]string{400: "invalid_request_error", 401: "invalid_api_key", 403: "permission_denied",
		404: "model_not_found", 429: "rate_limit_exceeded", 500: "server_error", 503: "server_error", 529: "overloaded_error"} {
		for _, streamed := range []bool{false, true} {
			_, client := tricky(t, Rule{Fault: Status, Status: status, RetryAfter: "7"})
			e, ok := errors.AsType[*openai.Error](outcome(t.Context(), client, streamed))
			if !ok || e.StatusCode != status || e.Type != kind || e.Code != kind || e.Response.Header.Get("Retry-After") != "7" {
				t.Errorf("status %d, streamed %v: error is %+v", status, streamed, e)
			}
		}
	}
}

// outcome makes a call and returns the error.
func outcome(ctx context.Context, client openai.Client, streamed bool) error {
	if !streamed {
		_, err := client.Chat.Completions.New(ctx, question("hello", false))
		return err
	}
	stream := client.Chat.Completions.NewStreaming(ctx, question("hello", true))
	for stream.Next() {
	}
	return stream.Err()
}

func TestOfficialClientIsRefusedWithoutTheKey(t *testing.T) {
	_, url := serve(t, Options{Key: "sk-1"})
	e, ok := errors.AsType[*openai.Error](outcome(t.Context(), official(url, "sk-2"), false))
	if !ok || e.StatusCode != 401 {
		t.Errorf("error is %+v", e)
	}
}

func TestOfficialClientSeesFaultsAsErrors(t *testing.T) {
	for _, fault := range []Fault{Garbage, NotHTTP, Cut, Reset, TruncatedChunk, ErrorMidway} {
		_, client := tricky(t, Rule{Fault: fault, AfterTokens: 2})
		if err := outcome(t.Context(), client, fault != Garbage && fault != NotHTTP); err == nil {
			t.Errorf("%s is not an error", fault)
		}
	}
}

func TestOfficialClientTriesARateLimitedCallAgain(t *testing.T) {
	s, url := serve(t, Options{Rules: []Rule{{Fault: Status, Status: 429, RetryAfter: "0", Times: 1}}})
	client := openai.NewClient(option.WithBaseURL(url+"/v1/"), option.WithAPIKey("k"), option.WithMaxRetries(1))
	if err := outcome(t.Context(), client, false); err != nil || s.Counts().Calls != 2 {
		t.Errorf("after %d calls: %v", s.Counts().Calls, err)
	}
}
