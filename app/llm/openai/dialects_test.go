package openai

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"studysharper/app/study"
	"studysharper/loadtest/fakellm"
)

// served answers every call with this body.
func served(t *testing.T, contentType, body string) *Client {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(web.Close)
	return client(t, Options{BaseURL: web.URL, Model: "first"})
}

// chunks returns an event stream of chunks with these deltas.
func chunks(deltas ...string) string {
	var b strings.Builder
	for _, d := range deltas {
		b.WriteString(`data: {"choices":[{"index":0,"delta":` + d + `}]}` + "\n\n")
	}
	return b.String() + "data: [DONE]\n\n"
}

const goodBody = `{"choices":[{"message":{"content":"text"},"finish_reason":"stop"}]}`

func TestAnswersAreReadInEveryDialect(t *testing.T) {
	for name, test := range map[string]struct{ kind, body, want string }{
		"parts":                      {"application/json", `{"choices":[{"message":{"content":[{"type":"thinking","text":"no"},{"type":"text","text":"te"},{"text":"xt"}]}}]}`, "text"},
		"parts of a stream":          {"text/event-stream", chunks(`{"content":[{"type":"thinking","thinking":[{"type":"text","text":"no"}]}]}`, `{"content":[{"type":"text","text":"text"}]}`), "text"},
		"reasoning beside it":        {"application/json", `{"choices":[{"message":{"content":"text","reasoning_content":"no","reasoning":"no"}}]}`, "text"},
		"reasoning in a stream":      {"text/event-stream", chunks(`{"reasoning_content":"no"}`, `{"reasoning":"no","content":null}`, `{"content":"text"}`), "text"},
		"a thought":                  {"application/json", `{"choices":[{"message":{"content":"<think>no</think>\n\ntext"}}]}`, "text"},
		"a thought in a stream":      {"text/event-stream", chunks(`{"content":"<th"}`, `{"content":"ink>no</thi"}`, `{"content":"nk>\n"}`, `{"content":"text"}`), "text"},
		"a thought without its tag":  {"application/json", `{"choices":[{"message":{"content":"no\n</think>\ntext"}}]}`, "text"},
		"numbers of all kinds":       {"application/json", `{"choices":[{"index":"0","message":{"content":"text"},"finish_reason":1}],"usage":{"prompt_tokens":1.0,"completion_tokens":"2","total_tokens":null}}`, "text"},
		"usage is not an object":     {"application/json", `{"choices":[{"index":null,"message":{"content":"text"}}],"usage":[],"model":7}`, "text"},
		"white space before it":      {"application/json", "\n \n\r\n\xef\xbb\xbf" + goodBody, "text"},
		"in a list":                  {"application/json", "[" + goodBody + "]", "text"},
		"a wrong content type":       {"text/html", goodBody, "text"},
		"a stream unasked":           {"application/json", chunks(`{"content":"text"}`), "text"},
		"a stream, no content type":  {"", chunks(`{"content":"text"}`), "text"},
		"a stream that is plain":     {"text/event-stream", goodBody, "text"},
		"CR":                         {"text/event-stream", strings.ReplaceAll(chunks(`{"content":"te"}`, `{"content":"xt"}`), "\n", "\r"), "text"},
		"CRLF":                       {"text/event-stream", strings.ReplaceAll(chunks(`{"content":"te"}`, `{"content":"xt"}`), "\n", "\r\n"), "text"},
		"several data lines":         {"text/event-stream", "data: {\"choices\":[\r\ndata: {\"delta\":{\"content\":\"text\"}}\r\ndata: ]}\r\n\r\n", "text"},
		"a last message":             {"text/event-stream", chunks(`{"content":"te"}`) + `data: {"choices":[{"message":{"content":"text"}}]}`, "te"},
		"a last message before DONE": {"text/event-stream", `data: {"choices":[{"delta":{"content":"te"}}]}` + "\n\n" + `data: {"choices":[{"message":{"content":"text"}}]}` + "\n\ndata: [DONE]\n", "text"},
		"the whole text each time":   {"text/event-stream", chunks(`{"content":"t"}`, `{"content":"te"}`, `{"content":"text"}`), "text"},
		"a pair in two chunks":       {"text/event-stream", chunks(`{"content":"\ud83d"}`, `{"content":"\ude00!"}`), "😀!"},
		"an escaped backslash":       {"text/event-stream", chunks(`{"content":"\\ud83d"}`, `{"content":"x"}`), `\ud83dx`},
		"NUL":                        {"application/json", `{"choices":[{"message":{"content":"te\u0000xt"}}]}`, "text"},
		"a completion's text":        {"application/json", `{"choices":[{"text":"text"}]}`, "text"},
	} {
		both(t, func(t *testing.T, onText func(string)) {
			answer, err := served(t, test.kind, test.body).Generate(t.Context(), prompt(), onText)
			if err != nil || answer.Text != test.want {
				t.Errorf("%s: %q, %v", name, answer.Text, err)
			}
		})
	}
}

func TestErrorsAreFoundWhereverTheyStand(t *testing.T) {
	for name, test := range map[string]struct {
		kind, body string
		want       study.Code
	}{
		"in a choice":              {"application/json", `{"choices":[{"error":{"code":429}}]}`, study.CodeUpstreamLimited},
		"in a list":                {"application/json", `[{"error":{"code":401}}]`, study.CodeUpstreamRefused},
		"in a field of its own":    {"text/event-stream", "error: {\"code\":429}\n\ndata: [DONE]\n\n", study.CodeUpstreamLimited},
		"without a field":          {"text/event-stream", "\n{\"error\":{\"code\":429}}", study.CodeUpstreamLimited},
		"without a field, further": {"text/event-stream", ": x\n\n{\"error\":{\"code\":429}}\n", study.CodeUpstreamLimited},
		"an HTML page":             {"text/event-stream", "<html>", study.CodeUpstreamRefused},
	} {
		both(t, func(t *testing.T, onText func(string)) {
			_, err := served(t, test.kind, test.body).Generate(t.Context(), prompt(), onText)
			if err == nil || study.AsError(err).Code != test.want {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// boundOf returns the token limit of a request, which stays readable.
func boundOf(t *testing.T, r *http.Request) int {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var asked struct {
		MaxTokens int `json:"max_tokens"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		t.Error(err)
	}
	return asked.MaxTokens
}

func TestReasoningThatTookAllTokensIsGivenMoreOnce(t *testing.T) {
	both(t, func(t *testing.T, onText func(string)) {
		var bounds []int
		server := fakellm.New(fakellm.Options{Rules: []fakellm.Rule{{Fault: fakellm.Empty, Finish: "length"}}})
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			bounds = append(bounds, boundOf(t, r))
			server.ServeHTTP(w, r)
		}))
		defer web.Close()
		p := prompt()
		p.MaxTokens = 500
		_, err := client(t, Options{BaseURL: web.URL + "/v1", Model: "first"}).Generate(t.Context(), p, onText)
		wantCode(t, err, study.CodeUpstreamFailed)
		if len(bounds) != 2 || bounds[0] != 500 || bounds[1] != minReasoning {
			t.Errorf("requested with limits of %v tokens", bounds)
		}
	})
}
