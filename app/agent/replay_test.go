package agent

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"studysharper/app/agent/agenttest"
	"studysharper/app/llm/openai"
	"studysharper/app/study"
)

// photosynthesis is the material that the recorded answers were made from.
const photosynthesis = `Photosynthesis is the process by which plants convert light energy into chemical energy. ` +
	`The light reactions happen in the thylakoid membranes. The Calvin cycle takes place in the stroma. ` +
	`Chlorophyll is a pigment that reflects green light, so leaves look green. ` +
	`Water is split during the light reactions, which releases oxygen.`

// behaviour is how an upstream was seen to answer; see testdata/behaviours.json.
type behaviour struct {
	Name      string
	Responses []recorded
}

// recorded is a raw HTTP response.
type recorded struct {
	Type   study.Type
	Stream bool
	Text   string
	Base64 string
	Second *recorded // of the next identical request
}

func (r recorded) bytes(t *testing.T) []byte {
	t.Helper()
	if r.Base64 == "" {
		return []byte(r.Text)
	}
	raw, err := base64.StdEncoding.DecodeString(r.Base64)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func behaviours(t *testing.T) (list []behaviour, good map[string]recorded) {
	t.Helper()
	raw, err := os.ReadFile("testdata/behaviours.json")
	if err == nil {
		err = json.Unmarshal(raw, &list)
	}
	if err != nil {
		t.Fatal(err)
	}
	good = make(map[string]recorded)
	for _, r := range list[0].Responses {
		good[kindOf(r)] = r
	}
	return list, good
}

// kindOf names the kind of request that a response was recorded for.
func kindOf(r recorded) string {
	if r.Stream {
		return string(r.Type) + " streamed"
	}
	return string(r.Type)
}

// asked is the part of a request that some behaviours depend on.
type asked struct {
	Stream              bool                  `json:"stream"`
	MaxTokens           int                   `json:"max_tokens"`
	MaxCompletionTokens int                   `json:"max_completion_tokens"`
	StreamOptions       *json.RawMessage      `json:"stream_options"`
	ResponseFormat      struct{ Type string } `json:"response_format"`
}

// meets reports whether the upstream behaves so to that request.
func (b behaviour) meets(a asked) bool {
	switch b.Name {
	case "e400_lmstudio_json_object":
		return a.ResponseFormat.Type == "json_object"
	case "e400_max_tokens":
		return a.MaxTokens > 0
	case "e422_stream_options":
		return a.StreamOptions != nil
	case "reasoning_eats_budget":
		bound := max(a.MaxTokens, a.MaxCompletionTokens)
		return bound > 0 && bound < 4000
	case "reasoning_starves_judges":
		return max(a.MaxTokens, a.MaxCompletionTokens) <= 500
	default:
		return true
	}
}

// replay serves one recorded response, and how often it was asked.
type replay struct {
	t     *testing.T
	b     behaviour
	r     recorded
	good  recorded // where the behaviour does not apply
	calls atomic.Int32
}

func (u *replay) listen() string {
	u.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		u.t.Fatal(err)
	}
	u.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go u.answer(conn)
		}
	}()
	return "http://" + l.Addr().String() + "/v1"
}

func (u *replay) answer(conn net.Conn) {
	defer conn.Close()
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	var a asked
	if json.NewDecoder(req.Body).Decode(&a) != nil {
		return
	}
	call := u.calls.Add(1)
	r := u.r
	switch {
	case !u.b.meets(a):
		r = u.good
	case call > 1 && r.Second != nil:
		r = *r.Second
	}
	u.send(conn, r.bytes(u.t))
}

func (u *replay) send(conn net.Conn, raw []byte) {
	switch u.b.Name {
	case "reset_midway":
		_, _ = conn.Write(raw[:len(raw)/2])
		_ = conn.(*net.TCPConn).SetLinger(0)
	case "sse_split_utf8", "chunked":
		for i := range raw {
			if _, err := conn.Write(raw[i : i+1]); err != nil {
				return
			}
		}
	case "sse_no_done_open":
		_, _ = conn.Write(raw)
		_, _ = io.Copy(io.Discard, conn) // until the caller has had enough
	default:
		_, _ = conn.Write(raw)
	}
}

// ask runs one request against the upstream.
func (u *replay) ask() (Outcome, string, error) {
	u.t.Helper()
	client := openai.New(openai.Options{BaseURL: u.listen(), Model: "test/model", Timeout: 20 * time.Second})
	u.t.Cleanup(func() { _ = client.Close() })
	b := newBench(&agenttest.Model{}, Options{})
	b.deps.Model = client
	req := study.Request{Type: u.r.Type, UserID: agenttest.Alice, SessionID: agenttest.SessionID, Message: "Help me learn this.",
		Options: study.Options{Content: photosynthesis, Count: 3, QuestionCount: 3, Sections: 1}}
	var w watched
	seen := &w
	if !u.r.Stream {
		seen = nil
	}
	out, err := b.Run(u.t.Context(), req, seen)
	return out, strings.Join(w.tokens, ""), err
}

// outcomeOf says in a word how a request ended: with the right answer, with another one (or one
// that nothing was recorded to compare with), or with an error's code.
func outcomeOf(out Outcome, err error, want string) string {
	switch {
	case err != nil:
		return string(study.AsError(err).Code)
	case agenttest.JSON(out.Result.Data) == want:
		return "right"
	default:
		return "other"
	}
}

// notRight are the behaviours that do not end with the right answer, by what they end with.
// Where only streams differ, or only what is not a chat, the kind of request stands behind.
var notRight = map[string][]string{
	"withheld":              {"refusal", "e403_moderation", "e400_azure_content_filter"},
	"too_long":              {"e400_context_length", "sse_llamacpp_error_field streamed", "sse_unframed_error streamed"},
	"credit":                {"e402"},
	"upstream_refused":      {"e400_gemini_bad_key", "e401", "e404_model", "e200_html", "e301", "e308"},
	"upstream_failed":       {"tool_calls", "reset_midway", "e200_empty_choices", "e200_model_empty"},
	"upstream_unavailable":  {"sse_error_midway streamed", "sse_error_first streamed", "e408", "e502_cloudflare", "e520", "e524", "e200_error_int", "e200_error_string"},
	"upstream_rate_limited": {"e429_openrouter_reset", "e429_gemini_retrydelay"},
	"other": {"sse_length streamed", "sse_split_utf8 streamed", "fewer", "truncated_length", "front_back", "short_correct_answer", "one_bad_item", // what there is, with a warning
		"latex_valid_escapes", "latex_invalid_escapes"}, // another text
}

// otherwise is what the answers must hold that are not compared with a recorded one: so many items,
// these texts in their JSON, and this beginning of a warning.
var otherwise = map[string]struct {
	items   int
	has     []string
	lacks   string
	warning string
}{
	"sse_length":            {has: []string{`"response":"Chlorophyll`}, warning: "incomplete"},
	"sse_split_utf8":        {has: []string{`"response":"`}, lacks: "\ufffd"},
	"truncated_length":      {warning: "incomplete"},
	"fewer":                 {items: 2, has: []string{"In the thylakoid membranes."}, warning: "made 2 of 3"},
	"one_bad_item":          {items: 2, has: []string{"In the thylakoid membranes."}, lacks: `"x?"`, warning: "made 2 of 3"},
	"front_back":            {items: 3, has: []string{`"question":"What is photosynthesis?","answer":"The process by which plants`, `"answer":"In the stroma."`}},
	"short_correct_answer":  {items: 3, has: []string{`"type":"short_answer","question":"Which light does chlorophyll reflect?"`}},
	"latex_valid_escapes":   {items: 3, has: []string{`\\frac{1}{2} \\times \\theta`, `\\text{light}`, `\\nabla`, `\\rho`}},
	"latex_invalid_escapes": {items: 3, has: []string{`\\(K_\\alpha\\)`, "In the stroma."}},
}

// checkOther fails unless an answer that is not compared with a recorded one is what is wanted.
func checkOther(t *testing.T, name string, out Outcome) {
	t.Helper()
	want, known := otherwise[name]
	data := agenttest.JSON(out.Result.Data)
	if !known {
		want.items = study.Asked(out.Result.Intent, study.Options{Count: 3, QuestionCount: 3})
	}
	if want.items > 0 && study.Items(out.Result.Data) != want.items && name != "plan_words" {
		t.Errorf("%d items, want %d", study.Items(out.Result.Data), want.items)
	}
	for _, text := range want.has {
		if !strings.Contains(data, text) {
			t.Errorf("%q is not in %s", text, data)
		}
	}
	if want.lacks != "" && strings.Contains(data, want.lacks) {
		t.Errorf("%q is in %s", want.lacks, data)
	}
	if want.warning != "" && !slices.ContainsFunc(out.Result.Warnings, func(w string) bool { return strings.HasPrefix(w, want.warning) }) {
		t.Errorf("warnings %q, want %q", out.Result.Warnings, want.warning)
	}
}

// twice are the behaviours that no first call can be right about: it is refused or unavailable,
// or names a parameter that the upstream does not take.
var twice = []string{"e400_max_tokens", "e422_stream_options", "e429_retry_seconds", "e429_retry_ms", "e429_http_date", "e500_string", "e529"}

// wantedCalls is the most calls that an outcome may take.
func wantedCalls(name, outcome string) int {
	switch {
	case outcome != "right":
		return 3
	case slices.Contains(twice, name):
		return 2
	default:
		return 1
	}
}

func wantedOutcome(name, kind string) string {
	for outcome, list := range notRight {
		for _, entry := range list {
			if entry == name || strings.HasPrefix(entry, name+" ") && strings.Contains(kind, strings.TrimPrefix(entry, name+" ")) {
				return outcome
			}
		}
	}
	return "right"
}

func TestReplayOfWhatUpstreamsWereSeenToAnswer(t *testing.T) {
	all, good := behaviours(t)
	want := make(map[string]string)
	for kind, r := range good {
		u := &replay{t: t, b: all[0], r: r, good: r}
		out, _, err := u.ask()
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		want[kind] = agenttest.JSON(out.Result.Data)
	}
	for _, b := range all {
		for _, r := range b.Responses {
			t.Run(b.Name+"/"+kindOf(r), func(t *testing.T) {
				t.Parallel()
				kind := kindOf(r)
				u := &replay{t: t, b: b, r: r, good: good[kind]}
				out, _, err := u.ask()
				expected := wantedOutcome(b.Name, kind)
				if _, recorded := want[kind]; !recorded && expected == "right" {
					expected = "other"
				}
				got := outcomeOf(out, err, want[kind])
				t.Logf("%s, %d calls, %v %v", got, u.calls.Load(), err, out.Result.Warnings)
				if most := wantedCalls(b.Name, got); got != expected || int(u.calls.Load()) > most {
					t.Errorf("ended with %s after %d calls, want %s after %d", got, u.calls.Load(), expected, most)
				}
				if got == "other" {
					checkOther(t, b.Name, out)
				}
				if b.Name == "plan_words" && (study.Items(out.Result.Data) != 2 || !warns(out, "made 2 of 3")) {
					t.Errorf("%s, warnings %q", agenttest.JSON(out.Result.Data), out.Result.Warnings)
				}
				if err != nil && strings.Contains(err.Error(), "canary") {
					t.Errorf("the error quotes the upstream: %v", err)
				}
			})
		}
	}
}

func TestAStreamOfAnObjectThatBreaksOffIsAskedForAgain(t *testing.T) {
	_, good := behaviours(t)
	r := good[string(study.Flashcards)]
	head := "HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
	begun := `data: {"choices":[{"index":0,"delta":{"content":"{\"flashcards\": [{\"question\": \"Wh"}}]}` + "\n\n"
	for name, broken := range map[string]string{
		"a lost connection": head + "Content-Length: 9999\r\n\r\n" + begun,
		"an error midway":   head + "\r\n" + begun + `data: {"error":{"code":502,"message":"lost"}}` + "\n\n",
		"a clean end":       head + "\r\n" + begun,
	} {
		second := r
		u := &replay{t: t, b: behaviour{Name: name}, r: recorded{Type: study.Flashcards, Text: broken, Second: &second}, good: r}
		out, _, err := u.ask()
		if err != nil || study.Items(out.Result.Data) != 3 || len(out.Result.Warnings) != 0 || u.calls.Load() != 2 {
			t.Errorf("%s: %v after %d calls, warnings %q", name, err, u.calls.Load(), out.Result.Warnings)
		}
	}
}
