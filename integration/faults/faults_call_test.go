package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/fakellm"
)

const (
	cancelAttempts = 5
	stampede       = 50
	downFor        = 60 // requests while the model is down
)

// callFaults concern the connection to the model, and the clients that wait for an answer.
var callFaults = []fault{
	{
		id: "L4a", what: "nothing listens at the model's address", sees: "503 `upstream_unavailable`", lost: "the answer", well: breakerFor, test: modelAbsent,
	},
	{
		id: "L4b", what: "the model's name cannot be looked up", sees: "503 `upstream_unavailable` within seconds; requests that need no model are served", lost: "the answer", test: modelNameless,
	},
	{
		id: "L4c", what: "the model's certificate is not trusted", sees: "503 `upstream_unavailable`; neither key nor prompt is sent", lost: "the answer", test: modelImpostor,
	},
	{
		id: "L11a", what: "a client disconnects while it waits for the model", sees: "–; the model's call is cancelled", lost: "nothing", well: atOnce, test: clientLeaves,
	},
	{
		id: "L11b", what: "a stream's reader disconnects in the middle of an answer", sees: "the whole answer when it reconnects: the run continues", lost: "nothing", well: atOnce, test: readerLeaves,
	},
	{
		id: "L11c", what: "a session is deleted in the middle of an answer", sees: "its stream ends; the model's call is cancelled", lost: "nothing", well: atOnce, test: sessionDeleted,
	},
	{
		id: "L13", what: "the model is down for a long time", sees: "503 with `Retry-After`, after some ten calls, without calling the model; `/health` says `degraded`", lost: "the answers", well: breakerFor, test: modelDown,
	},
	{
		id: "L14", what: "the model is down, and each worker detects it", sees: "503", lost: "the answers", held: "app/llm/openai.TestFault_L14_EachWorkersBreakerOpensWithinTwentyCalls",
	},
	{
		id: "L15", what: "fifty clients send the same request at once", sees: "the answer, from one model call per worker", lost: "nothing", test: sameQuestion,
	},
	{
		id: "L16", what: "the model's API redirects elsewhere", sees: "502 `upstream_refused`; nothing is sent there", lost: "the answer", well: atOnce, test: modelRedirects,
	},
	{
		id: "L17", what: "a request names its own model address", sees: "the configured model's answer, and the option among `ignored_options`", lost: "nothing", test: addressOfAClient,
	},
}

// wantRefused checks that a chat is refused because the model fails, and returns how long that took.
func (i *incident) wantRefused(h *harness.Instance, n int) time.Duration {
	i.Helper()
	began := time.Now()
	got, err := askChat(h.Service, n)
	if err != nil {
		i.Fatal(err)
	}
	wantProblem(i.T, got, http.StatusServiceUnavailable)
	i.wantAbsent("a chat", string(got.Body), modelKey, studentWords)
	if problemCode(got) != "upstream_unavailable" || got.Header.Get("Retry-After") == "" {
		i.Errorf("code %q, Retry-After %q", problemCode(got), got.Header.Get("Retry-After"))
	}
	return time.Since(began)
}

func modelAbsent(i *incident) {
	address := fmt.Sprintf("127.0.0.1:%d", harness.FreePort(i.T))
	h := i.startInstance(upstreamSettings("http://" + address + "/v1"))
	i.note("refused after %s", harness.Short(i.wantRefused(h, 1)))
	listener, err := net.Listen("tcp", address)
	if err != nil {
		i.Fatal(err)
	}
	server := httptest.NewUnstartedServer(fakellm.New(fakellm.Options{}))
	server.Listener = listener
	server.Start()
	i.Cleanup(server.Close)
	there := time.Now()
	i.recoveredAfter(i.awaitHealthy(func(n int) (harness.Answer, error) { return askChat(h.Service, 1_000+n) }).Sub(there))
}

func modelNameless(i *incident) {
	h := i.startInstance(upstreamSettings("http://model.invalid/v1"))
	i.note("refused after %s", harness.Short(i.wantRefused(h, 1)))
	h.Call(i.T, http.MethodGet, "/api/notes?user_id="+harness.UserID, nil, http.StatusOK, nil)
}

func modelImpostor(i *incident) {
	var heard atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshakes that fail
	server.StartTLS()
	i.Cleanup(server.Close)
	h := i.startInstance(upstreamSettings(server.URL + "/v1"))
	i.wantRefused(h, 1)
	if n := heard.Load(); n > 0 {
		i.Errorf("the impostor was sent %d requests", n)
	}
	h.Call(i.T, http.MethodGet, "/api/notes?user_id="+harness.UserID, nil, http.StatusOK, nil)
}

// cancelling cancels requests while the model answers, and returns how soon the model noticed.
func (m *scriptedModel) cancelling(begin func(n int) (leave func())) {
	m.i.Helper()
	best := time.Hour
	ctx, cancel := context.WithTimeout(m.i.Context(), patience)
	defer cancel()
	for n := range cancelAttempts {
		leave := begin(n)
		if _, err := m.upstream.Await(ctx, func(c fakellm.Counts) bool { return c.Active == 1 }); err != nil {
			m.i.Fatal("the model is not asked: ", err)
		}
		testkit.Pause(50 * time.Millisecond) // half an answer is on its way
		began := time.Now()
		leave()
		if counts, err := m.upstream.Await(ctx, func(c fakellm.Counts) bool { return c.Cancelled == n+1 }); err != nil {
			m.i.Fatalf("the model still answers: %+v", counts)
		}
		best = min(best, time.Since(began))
	}
	m.i.note("cancelled after %s at best of %d", harness.Short(best), cancelAttempts)
}

func clientLeaves(i *incident) {
	m := i.startScriptedModel(fakellm.Rule{Fault: fakellm.HangMidway, AfterTokens: 3})
	m.cancelling(func(n int) func() {
		ctx, leave := context.WithCancel(i.Context())
		body, err := json.Marshal(chat(n))
		if err != nil {
			i.Fatal(err)
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL+harness.ChatURL, strings.NewReader(string(body)))
		if err != nil {
			i.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		go func() {
			if response, err := oneShotClient.Do(request); err == nil {
				response.Body.Close()
				i.Errorf("a client that left was answered %s", response.Status)
			}
		}()
		return leave
	})
	m.recover()
	m.wantNoHarm()
}

// begin starts a run and returns its session and the path of its stream.
func (m *scriptedModel) begin(n int) (session, path string) {
	m.i.Helper()
	var begun struct {
		Session string `json:"session_id"`
		URL     string `json:"stream_url"`
	}
	m.Call(m.i.T, http.MethodPost, "/api/ai/process-stream", chat(n), http.StatusOK, &begun)
	return begun.Session, begun.URL
}

func readerLeaves(i *incident) {
	m := i.startScriptedModel(fakellm.Rule{TokensPerSecond: 10})
	_, path := m.begin(1)
	ctx, leave := context.WithTimeout(i.Context(), time.Second) // shorter than the answer takes
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.URL+path, nil)
	if err != nil {
		i.Fatal(err)
	}
	if response, err := oneShotClient.Do(request); err == nil {
		_, _ = io.Copy(io.Discard, response.Body) // until the reader leaves
		response.Body.Close()
	}
	leave()
	events, text, err := readToEnd(m.Instance.Service, path)
	if err != nil {
		i.Fatal(err)
	}
	if end, err := terminalEvent(events); err != nil || end.Type != "complete" || events[0].Type != "start" {
		i.Errorf("a client that returns sees %v:\n%s", err, text)
	}
	if n := m.upstream.Counts(); n.Calls != 1 || n.Cancelled != 0 {
		i.Errorf("the model's counts are %+v", n)
	}
	m.recover()
}

func sessionDeleted(i *incident) {
	m := i.startScriptedModel(fakellm.Rule{Fault: fakellm.HangMidway, AfterTokens: 3})
	m.cancelling(func(n int) func() {
		session, path := m.begin(n)
		ended := make(chan error, 1)
		go func() {
			events, _, err := readToEnd(m.Instance.Service, path)
			if err == nil {
				_, err = terminalEvent(events)
			}
			ended <- err
		}()
		return func() {
			m.Call(i.T, http.MethodDelete, "/api/ai/sessions/"+session+"?user_id=student", nil, http.StatusNoContent, nil)
			if err := <-ended; err != nil {
				i.Errorf("the stream of a session that is deleted: %v", err)
			}
		}
	})
	m.recover()
	m.wantNoHarm()
}

func modelDown(i *incident) {
	m := i.startScriptedModel(fakellm.Rule{Fault: fakellm.Status, Status: 503})
	fastest := time.Hour
	for n := range downFor {
		fastest = min(fastest, i.wantRefused(m.Instance, n))
	}
	calls := m.upstream.Counts().Calls
	i.note("%d calls for %d requests; refused after %s at best", calls, downFor, harness.Short(fastest))
	if calls > 20 {
		i.Errorf("%d calls of a model that is down, want 20 at most", calls)
	}
	testkit.Eventually(i.T, "health is degraded", func() bool { return m.state() == "degraded" })
	m.Call(i.T, http.MethodGet, "/readyz", nil, http.StatusOK, nil)
	m.recover()
	m.wantNoHarm()
}

func sameQuestion(i *incident) {
	m := i.startScriptedModel(fakellm.Rule{LatencyMS: 1000})
	var all sync.WaitGroup
	for range stampede {
		all.Go(func() {
			if got, err := askChat(m.Instance.Service, 1); err != nil || got.Status != http.StatusOK {
				i.Errorf("%v, status %d: %s", err, got.Status, got.Body)
			}
		})
	}
	all.Wait()
	calls := m.upstream.Counts().Calls
	i.note("%d calls for %d clients", calls, stampede)
	if calls > len(m.Workers) {
		i.Errorf("%d calls of the model, want one a worker at most", calls)
	}
}

func modelRedirects(i *incident) {
	var heard atomic.Int64
	elsewhere := i.serveUpstream(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
	misbehaviour{rule: fakellm.Rule{Fault: fakellm.Redirect, Location: elsewhere}, status: http.StatusBadGateway, code: "upstream_refused"}.test(i)
	if n := heard.Load(); n > 0 {
		i.Errorf("the redirect was followed %d times", n)
	}
}

func addressOfAClient(i *incident) {
	var heard atomic.Int64
	theirs := i.serveUpstream(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
	m := i.startScriptedModel()
	body := chat(1)
	options := map[string]any{}
	for _, name := range []string{"base_url", "llm_base_url", "api_base", "endpoint"} {
		body[name], options[name] = theirs, theirs
	}
	body["options"] = options
	var made struct {
		Result struct {
			Ignored []string `json:"ignored_options"`
		}
	}
	m.Call(i.T, http.MethodPost, harness.ChatURL, body, http.StatusOK, &made)
	if len(made.Result.Ignored) != len(options) || heard.Load() > 0 || m.upstream.Counts().Calls != 1 {
		i.Errorf("ignored: %v; the client's address was asked %d times, ours %d", made.Result.Ignored, heard.Load(), m.upstream.Counts().Calls)
	}
}
