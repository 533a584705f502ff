package agent

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"studysharper/app/agent/agenttest"
	"studysharper/app/llm/openai"
	"studysharper/app/llm/upstreamtest"
	"studysharper/app/study"
)

// replayed is the result of a request.
type replayed struct {
	out    Outcome
	err    error
	tokens string // that a client saw
	calls  int
	sent   int // bytes, of the requests' bodies
	cached int // answers
}

// data returns the answer as a client receives it.
func (r replayed) data() string { return agenttest.JSON(r.out.Result.Data) }

// replay runs one request against an upstream that behaves as the case says.
func replay(t *testing.T, c upstreamtest.Case, watching bool) replayed {
	t.Helper()
	return replayText(t, c, upstreamtest.Material, watching)
}

// replayText is replay with a text of the caller's.
func replayText(t *testing.T, c upstreamtest.Case, text string, watching bool) replayed {
	t.Helper()
	up := &upstreamtest.Server{Case: c}
	client := openai.New(openai.Options{BaseURL: up.Listen(t), Model: "test/model", Timeout: 20 * time.Second})
	defer func() { _ = client.Close() }()
	b := newBench(&agenttest.Model{}, Options{})
	b.deps.Model = client
	req := study.Request{Type: c.Type, UserID: agenttest.Alice, SessionID: agenttest.SessionID, Message: "Help me learn this.", Options: study.Options{
		Content: text, Count: upstreamtest.Items, QuestionCount: upstreamtest.Items, Sections: 1}}
	var w watched
	seen := &w
	if !watching {
		seen = nil
	}
	out, err := b.Run(t.Context(), req, seen)
	return replayed{out: out, err: err, tokens: strings.Join(w.tokens, ""), calls: int(up.Calls.Load()), sent: int(up.Bytes.Load()), cached: len(b.Cache.Keys())}
}

// written returns the answer that a client receives for a well-written text.
func written(t *testing.T, typ study.Type, text, finish string) string {
	t.Helper()
	raw := upstreamtest.Answer(text, finish, false)
	got := replay(t, upstreamtest.Case{Behaviour: "reference", Type: typ, First: raw, Second: raw}, false)
	if got.err != nil {
		t.Fatalf("the reference %s: %v", text, got.err)
	}
	return got.data()
}

// errorsOf are the behaviours without an answer, by the code that they must end with, and what the error must say.
var errorsOf = map[study.Code]map[string]string{
	study.CodeWithheld: {"refusal": "withheld its answer", "e403_moderation": "moderation", "e400_azure_content_filter": "moderation"},
	study.CodeTooLong:  {"e400_context_length": "9000 tokens, and it takes 4096", "sse_llamacpp_error_field": "too long for the model", "sse_unframed_error": "19185 tokens, and it takes 16384"},
	study.CodeCredit:   {"e402": "no credit left"},
	study.CodeUpstreamRefused: {"e400_gemini_bad_key": "API key", "e401": "API key", "e404_model": "does not know the model", "e200_html": "check LLM_BASE_URL",
		"e301": "check LLM_BASE_URL", "e308": "check LLM_BASE_URL"},
	study.CodeUpstreamFailed: {"tool_calls": "", "reset_midway": "cut off", "e200_empty_choices": "may have blocked the request", "e200_model_empty": "without text"},
	study.CodeUpstreamUnavailable: {"sse_error_midway": "cannot answer right now", "sse_error_first": "cannot answer right now", "e502_cloudflare": "cannot answer right now",
		"e520": "cannot answer right now", "e200_error_int": "cannot answer right now", "e200_error_string": "cannot answer right now"},
	study.CodeUpstreamTimeout: {"e408": "in time", "e524": "in time"},
	study.CodeUpstreamLimited: {"e429_openrouter_reset": "limiting requests", "e429_gemini_retrydelay": "wait 26 s"},
}

// atFirst are the behaviours for which the first call cannot succeed: it is refused or unavailable, or lacks something.
var atFirst = []string{"e400_max_tokens", "e422_stream_options", "e429_retry_seconds", "e429_retry_ms", "e429_http_date", "e500_string", "e529"}

// warned are the behaviours whose answers lack something, with the beginning of the warning.
var warned = map[string]string{"truncated_length": "incomplete", "sse_length": "incomplete", "reset_midway": "incomplete", "sse_error_midway": "incomplete",
	"fewer": "made 2 of 3", "one_bad_item": "made 2 of 3"}

// fair are the behaviours whose answers could be better, with the reason.
var fair = map[string]string{
	"sse_no_finish": "If a chat ends without a finish reason, the service cannot tell whether it was cut off: the answer is complete, but it is marked as possibly incomplete and not cached. " +
		"For other types, the JSON shows whether it is complete.",
}

// grade is the assessment of a case.
type grade struct {
	fault   string // "" = right or fair
	outcome string // for the table
	calls   int
}

// judge compares the result of a request with the expected one.
func judge(c upstreamtest.Case, got replayed, want string) (g grade) {
	g.calls = got.calls
	if c.Want == "" {
		return judgeError(c, got, g)
	}
	most := 1
	g.outcome = "the right answer"
	warning, lacks := warned[c.Behaviour]
	if lacks {
		g.outcome = "the partial answer, with a warning"
	}
	if lacks || slices.Contains(atFirst, c.Behaviour) {
		most = 2
	}
	switch lacks = lacks && !whole(c); {
	case c.Usual:
		lacks, g.outcome = false, "the right answer"
	case c.Behaviour == "sse_no_finish" && c.Type == study.Chat:
		lacks, warning = true, "incomplete"
	case c.Behaviour == "plan_words" && c.Recorded: // of two sessions
		lacks, warning, most = true, "made 2 of 3", 2
	}
	switch {
	case got.err != nil:
		g.fault = got.err.Error()
	case got.data() != want:
		g.fault = "another answer: " + got.data() + ", want " + want
	case got.calls > most:
		g.fault = fmt.Sprint(got.calls, " calls")
	case lacks != slices.ContainsFunc(got.out.Result.Warnings, func(w string) bool { return strings.HasPrefix(w, warning) && warning != "" }) || !lacks && len(got.out.Result.Warnings) > 0:
		g.fault = fmt.Sprintf("warnings %q", got.out.Result.Warnings)
	case c.Type == study.Chat && got.tokens != "" && strings.TrimSpace(got.tokens) != got.out.Result.Data.(*study.Reply).Response:
		g.fault = "the client saw " + got.tokens
	}
	return g
}

// whole reports whether nothing is lost, which is the case for a type without a number of items.
func whole(c upstreamtest.Case) bool {
	return c.Behaviour == "one_bad_item" && c.Type == study.Summary
}

func judgeError(c upstreamtest.Case, got replayed, g grade) grade {
	for code, list := range errorsOf {
		says, ok := list[c.Behaviour]
		if !ok {
			continue
		}
		g.outcome = fmt.Sprintf("an error, `%s`", code.Public())
		switch {
		case got.err == nil:
			g.fault = "no error, but " + got.data()
		case study.AsError(got.err).Code != code || !strings.Contains(got.err.Error(), says):
			g.fault = fmt.Sprintf("%v, want %s and %q", got.err, code, says)
		case got.calls > 3:
			g.fault = fmt.Sprint(got.calls, " calls")
		case strings.Contains(got.err.Error(), "canary"):
			g.fault = "the error quotes the upstream: " + got.err.Error()
		}
		return g
	}
	g.fault = "nothing says what is wanted"
	return g
}

func TestReplayOfWhatUpstreamsWereSeenToAnswer(t *testing.T) {
	var rows []*row
	var running sync.WaitGroup
	slots := make(chan struct{}, 32) // some cases wait for seconds without using a processor
	var wanted sync.Map
	for _, b := range upstreamtest.Behaviours() {
		r := &row{behaviour: b}
		rows = append(rows, r)
		for _, c := range b.Cases() {
			for _, watching := range []bool{false, true} {
				slots <- struct{}{}
				running.Go(func() {
					defer func() { <-slots }()
					want := ""
					if c.Want != "" {
						key := string(c.Type) + c.Finish + c.Want
						known, ok := wanted.Load(key)
						if !ok {
							known = written(t, c.Type, c.Want, c.Finish)
							wanted.Store(key, known)
						}
						want = known.(string)
					}
					r.add(c, judge(c, replay(t, c, watching), want))
				})
			}
		}
	}
	running.Wait()
	for _, r := range rows {
		for _, fault := range r.faults {
			t.Error(fault)
		}
		if len(r.types) == 0 {
			t.Errorf("%s was not replayed", r.behaviour.Name)
		}
	}
	checkTable(t, rows)
}
