package fakellm

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"studysharper/app/study"
)

// serve serves a Server until the test ends.
func serve(t *testing.T, o Options) (*Server, string) {
	t.Helper()
	s := New(o)
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return s, web.URL
}

// ask posts a body, and returns the answer's status, headers and body.
func ask(t *testing.T, url, body string) (*http.Response, string) {
	t.Helper()
	resp, err := http.Post(url+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(raw)
}

const (
	plainCall  = `{"model":"m","messages":[{"role":"user","content":"hello there"}]}`
	streamCall = `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hello there"}]}`
)

// datas returns the data of a stream's events.
func datas(body string) []string {
	var out []string
	lines := bufio.NewScanner(strings.NewReader(body))
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			out = append(out, data)
		}
	}
	return out
}

func TestAnswersHaveTheShapeOfOpenAIsSchema(t *testing.T) {
	schema := loadSchema(t)
	_, url := serve(t, Options{})
	_, body := ask(t, url, plainCall)
	schema.check(t, "CreateChatCompletionResponse", body)
	if !strings.Contains(body, "You said: hello there") {
		t.Errorf("answer is %s", body)
	}

	_, body = ask(t, url, streamCall)
	events := datas(body)
	if last := events[len(events)-1]; last != "[DONE]" {
		t.Errorf("stream ends with %s", last)
	}
	text := ""
	for _, event := range events[:len(events)-1] {
		schema.check(t, "CreateChatCompletionStreamResponse", event)
		var c chunk
		if err := json.Unmarshal([]byte(event), &c); err != nil {
			t.Fatal(err)
		}
		for _, choice := range c.Choices {
			text += choice.Delta.Content
		}
	}
	if text != "You said: hello there" {
		t.Errorf("streamed text is %q", text)
	}

	s, url := serve(t, Options{Rules: []Rule{{Fault: Status, Status: 429, RetryAfter: "7"}}})
	resp, body := ask(t, url, plainCall)
	schema.check(t, "ErrorResponse", body)
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "7" {
		t.Errorf("status %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	if got, err := s.Await(t.Context(), func(c Counts) bool { return c.Active == 0 }); err != nil || got.Calls != 1 || got.Completed != 1 {
		t.Errorf("counts are %+v, %v", got, err)
	}
}

func TestDefaultAnswerIsAValidAidOfEveryType(t *testing.T) {
	for name, test := range map[string]struct {
		text    string
		options study.Options
	}{
		"nothing said": {"", study.Options{}},
		"wishes": {"Wishes:\n- exactly 7 items; fewer only if\n- exactly 2 sections\n- duration_minutes: 45\n\nPlants make sugar from light.",
			study.Options{Count: 7, QuestionCount: 7, Sections: 2, DurationMinutes: 45}},
		"most": {"exactly 999 questions, exactly 999 sections",
			study.Options{Count: study.MaxItems, QuestionCount: study.MaxItems, Sections: study.MaxSections}},
		"one":          {"exactly 1 question", study.Options{Count: 1, QuestionCount: 1}},
		"said twice":   {strings.Repeat("All sentences are the same one here.\n", 30), study.Options{}},
		"starts alike": {"The cell has a wall. The cell has a core. The cell has a skin. The cell has a tail.", study.Options{}},
	} {
		r := Request{Messages: []Message{{Role: "user", Content: test.text}, {Role: "user", Content: "Again."}}}
		r.ResponseFormat.Type = "json_object"
		answer := StudyAnswer(r)
		for _, kind := range study.Types() {
			aid := study.NewAid(kind)
			if err := json.Unmarshal([]byte(answer), aid); err != nil {
				t.Errorf("%s, %s: %v", name, kind, err)
			}
			options := study.Request{Options: test.options}.As(kind).Filled(study.Preferences{}).Options
			if faults := aid.Check(options); len(faults) > 0 || study.Shortfall(aid, options) != 0 && kind != study.Plan {
				t.Errorf("%s, %s: %d items, %q", name, kind, study.Items(aid), faults)
			}
		}
	}
}

func TestDefaultAnswerSaysWhatTheMaterialSays(t *testing.T) {
	r := Request{Messages: []Message{{Role: "user", Content: "- a wish of four words\n<<<MATERIAL 1 2 3 4\nPlants make sugar from light. Short one. Roots drink water and salts!"}}}
	r.ResponseFormat.Type = "json_object"
	var set study.FlashcardSet
	if err := json.Unmarshal([]byte(StudyAnswer(r)), &set); err != nil {
		t.Fatal(err)
	}
	if a, b := set.Flashcards[0].Answer, set.Flashcards[1].Answer; a != "Plants make sugar from light" || b != "Roots drink water and salts" {
		t.Errorf("answers are %q and %q", a, b)
	}
}

func TestAVerdictIsFullMarksUnlessARuleSaysOtherwise(t *testing.T) {
	const check = `{"response_format": {"type": "json_object"}, "messages": [{"role": "system", "content": "x"}, {"role": "user", "content": [{"type": "text", "text": "in this shape:"}, {"type": "text", "text": "{\"safety\": 1.0}"}]}]}`
	s, url := serve(t, Options{Rules: []Rule{{Checks: true, Times: 1, Score: new(0.25)}}})
	if _, body := ask(t, url, plainCall); strings.Contains(body, "safety") {
		t.Errorf("a call for no verdict got one: %s", body)
	}
	for _, want := range []string{"0.25", "1"} {
		if _, body := ask(t, url, check); !strings.Contains(body, `{\"safety\": `+want+`, \"quality\": `+want) {
			t.Errorf("want a score of %s, got %s", want, body)
		}
	}
	if got := s.Counts().Calls; got != 3 {
		t.Errorf("%d calls", got)
	}
}

func TestEchoIsBounded(t *testing.T) {
	r := Request{Messages: []Message{{Role: "user", Content: strings.Repeat("é", maxEchoRunes+1)}, {Role: "assistant", Content: "x"}}}
	if got, want := EchoAnswer(r), "You said: "+strings.Repeat("é", maxEchoRunes); got != want {
		t.Errorf("echo is %d bytes, want %d", len(got), len(want))
	}
}

func TestTokensJoinedAreTheText(t *testing.T) {
	for _, text := range []string{"", " ", "one", "one two", "one  two ", "a\nb c"} {
		if got := strings.Join(Tokens(text), ""); got != text {
			t.Errorf("%q came back as %q", text, got)
		}
	}
}

func TestRulesApplyByModelTurnAndTimes(t *testing.T) {
	for name, test := range map[string]struct {
		rule Rule
		want []int // of five calls for model m
	}{
		"always":      {Rule{}, []int{500, 500, 500, 500, 500}},
		"two times":   {Rule{Times: 2}, []int{500, 500, 200, 200, 200}},
		"every other": {Rule{Every: 2}, []int{200, 500, 200, 500, 200}},
		"once":        {Rule{Every: 2, Times: 1}, []int{200, 500, 200, 200, 200}},
		"this model":  {Rule{Model: "m"}, []int{500, 500, 500, 500, 500}},
		"other model": {Rule{Model: "x"}, []int{200, 200, 200, 200, 200}},
	} {
		test.rule.Fault = Status
		_, url := serve(t, Options{Rules: []Rule{test.rule}})
		var got []int
		for range 5 {
			resp, _ := ask(t, url, plainCall)
			got = append(got, resp.StatusCode)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: statuses %v, want %v", name, got, test.want)
		}
	}
}

func TestRulesAreReplacedWholeAndReset(t *testing.T) {
	s, url := serve(t, Options{})
	if err := s.SetRules(Rule{Fault: Status, Status: 503}); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []Rule{{Fault: "nonsense"}, {Status: 200}, {LatencyMS: -1}} {
		if s.SetRules(wrong) == nil {
			t.Errorf("%+v was accepted", wrong)
		}
	}
	if resp, _ := ask(t, url, plainCall); resp.StatusCode != 503 || s.Counts().Calls != 1 {
		t.Errorf("status %d, %+v", resp.StatusCode, s.Counts())
	}
	s.Reset()
	if n := s.Counts(); n != (Counts{}) {
		t.Errorf("counts are %+v", n)
	}
	if resp, _ := ask(t, url, plainCall); resp.StatusCode != 200 {
		t.Errorf("status %d without rules", resp.StatusCode)
	}
}

func TestKeyIsDemanded(t *testing.T) {
	_, url := serve(t, Options{Key: "k"})
	if resp, _ := ask(t, url, plainCall); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d without a key", resp.StatusCode)
	}
}

func TestRequestThatDoesNotParseIsRefused(t *testing.T) {
	s, url := serve(t, Options{})
	if resp, _ := ask(t, url, `{"model":`); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", resp.StatusCode)
	}
	if resp, _ := ask(t, url, strings.Repeat(" ", maxRequestBytes+1)); resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", resp.StatusCode)
	}
	if n := s.Counts().Calls; n != 0 {
		t.Errorf("%d calls counted", n)
	}
}

func TestPaceAndLatencyAreKept(t *testing.T) {
	_, url := serve(t, Options{Rules: []Rule{{LatencyMS: 50, TokensPerSecond: 50, Comments: 2}}})
	began := time.Now()
	_, body := ask(t, url, streamCall)
	// 4 tokens and 2 comments of 20 ms each.
	if took := time.Since(began); took < 170*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
	if n := strings.Count(body, ": OPENROUTER PROCESSING\n\n"); n != 2 {
		t.Errorf("%d comments", n)
	}
}

func TestCallerWhoLeavesIsCountedInEveryHang(t *testing.T) {
	for _, fault := range []Fault{Hang, HangAfterHeaders, HangMidway, HangAtEnd, Endless, EndlessLine} {
		for _, body := range []string{plainCall, streamCall} {
			s, url := serve(t, Options{Rules: []Rule{{Fault: fault, AfterTokens: 1}}})
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", strings.NewReader(body))
				if err != nil {
					return
				}
				if resp, err := http.DefaultClient.Do(req); err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			}()
			if _, err := s.Await(t.Context(), func(n Counts) bool { return n.Active == 1 }); err != nil {
				t.Fatal(err)
			}
			cancel()
			if n, err := s.Await(t.Context(), func(n Counts) bool { return n.Cancelled == 1 && n.Active == 0 }); err != nil {
				t.Errorf("%s: counts are %+v", fault, n)
			}
		}
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(Options{}).Await(ctx, func(Counts) bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}
