package faults

import (
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/fakellm"
)

const (
	signingSecret = "canary-of-the-signing-secret-32-bytes"
	wrongToken    = "canary-of-a-wrong-admin-token"
	brokenHeader  = "canary-of-a-broken-header"
	noteWords     = "canary-of-a-note"
	guesses       = 40
)

// secretFaults are attempts to read or guess secrets.
var secretFaults = []fault{
	{id: "X1", what: "a client has no admin token, or a wrong one", sees: "403, in the same time", lost: "nothing", held: "app/httpapi.TestAdminNeedsItsToken"},
	{id: "X2", what: "a client tries admin tokens", sees: "403; after ten tries 429 for a minute, even with the right token", lost: "nothing", test: tokensGuessed},
	{id: "X3", what: "a production service has a weak secret or allows every origin", sees: "nothing: the start is refused", lost: "nothing", held: "app/config.TestConfigRefusesWhatIsUnsafeOrNotBuilt"},
	{id: "X4", what: "a user's token is forged", sees: "401", lost: "nothing", held: "app/auth.TestForgedAndFaultyTokensAreRefused"},
	{id: "X5", what: "every part that has a secret fails", sees: "errors, logs and metrics without key, password, token or prompt", lost: "what failed", test: secretsSwept},
	{id: "X6", what: "a user requests another user's data", sees: "404", lost: "nothing", held: "app/httpapi.TestWhatIsAnothersIsNotThere"},
	{id: "X7", what: "a text looks like an event stream", sees: "the text, in one event", lost: "nothing", test: streamInjected},
	{id: "X9a", what: "a flood of clients tries to evict one over its limit from the table", sees: "still 429", lost: "nothing", held: "app/limit.TestAFloodOfClientsDoesNotFreeOneThatIsOverItsLimit"},
	{id: "X9b", what: "a flood of different requests fills the cache", sees: "nothing", lost: "the oldest answers", held: "app/cache.TestProcessStaysWithin16MBUnderChurn"},
	{id: "X11", what: "a client looks for the debugger's pages", sees: "404", lost: "nothing", test: debuggerSought},
}

func tokensGuessed(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{})
	told := map[int]int{}
	for range guesses {
		got, err := h.Send(http.MethodGet, "/api/admin/metrics", nil, "Authorization", "Bearer "+wrongToken)
		if err != nil {
			i.Fatal(err)
		}
		told[got.Status]++
	}
	if got, err := h.Send(http.MethodGet, "/api/admin/metrics", nil, "Authorization", "Bearer "+harness.AdminToken); err != nil || got.Status != http.StatusTooManyRequests {
		i.Errorf("the right token, after %d wrong ones: status %d, %v", guesses, got.Status, err)
	}
	i.note("of %d guesses %d were 403, %d were 429", guesses, told[http.StatusForbidden], told[http.StatusTooManyRequests])
	if told[http.StatusForbidden] == 0 || told[http.StatusTooManyRequests] < guesses/2 || told[http.StatusForbidden]+told[http.StatusTooManyRequests] != guesses {
		i.Errorf("the guesses were answered %v", told)
	}
}

// token returns a user's token, signed with the service's secret.
func (i *incident) token() string {
	i.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "student", "exp": time.Now().Add(time.Hour).Unix()}).SignedString([]byte(signingSecret))
	if err != nil {
		i.Fatal(err)
	}
	return token
}

// secretsSwept makes each engine and the model fail in turn while secrets are in use, and searches all answers for the
// secrets.
func secretsSwept(i *incident) {
	postgres, database := i.postgres()
	redis := i.redis("--requirepass", redisPassword)
	upstream := fakellm.New(fakellm.Options{})
	settings := upstreamSettings(i.serveUpstream(upstream) + "/v1")
	maps.Copy(settings, map[string]string{"DATABASE_URL": database, "REDIS_URL": "redis://:" + redisPassword + "@" + redis.address, "JWT_SECRET": signingSecret})
	m := &scriptedModel{Instance: i.startInstance(settings), i: i, upstream: upstream}
	token := i.token()
	secrets := []string{harness.AdminToken, modelKey, signingSecret, postgresPassword, redisPassword, wrongToken, brokenHeader, studentWords, noteWords, token}
	var told strings.Builder
	use := func() { m.useSecrets(token, &told) }
	use()
	if err := upstream.SetRules(fakellm.Rule{Fault: fakellm.Status, Status: 400}); err != nil { // which quotes the key and the prompt
		i.Fatal(err)
	}
	use()
	for _, e := range []*engine{redis, postgres} {
		e.kill()
		use()
		e.back()
	}
	testkit.Eventually(i.T, "all parts but the model are back", func() bool {
		got, err := askOnce(m.Instance.Service, http.MethodGet, "/readyz", nil)
		return err == nil && got.Status == http.StatusOK
	})
	i.wantAbsent("an answer", told.String(), secrets...)
	i.wantAbsent("the log", harness.LogsOf(m.DockerContainer), secrets...)
	i.note("%d secrets sought in %d kB of answers", len(secrets), told.Len()>>10)
	if strings.Count(told.String(), `"status":4`) == 0 || strings.Count(told.String(), `"status":50`) == 0 {
		i.Errorf("nothing was refused, or nothing failed:\n%.2000s", told.String())
	}
}

// useSecrets sends secrets wherever a client can, and collects the answers, which must not contain any.
func (m *scriptedModel) useSecrets(token string, told *strings.Builder) {
	user, admin, wrong := "Bearer "+token, "Bearer "+harness.AdminToken, "Bearer "+wrongToken
	question, err := json.Marshal(map[string]any{"type": "chat", "message": studentWords, "options": map[string]any{"content": noteWords}})
	if err != nil {
		m.i.Fatal(err)
	}
	note := []byte(`{"title":"t","content":"` + noteWords + `"}`)
	for _, r := range []struct {
		method, path, as string
		body             []byte
		echoes           bool // the answer contains its own user's words, as it should
	}{
		{http.MethodPost, harness.ChatURL, user, question, true},
		{http.MethodPost, harness.ChatURL, user, []byte(`{"type":"` + studentWords + `"}`), false},
		{http.MethodPost, harness.ChatURL, user, append(question, noteWords...), false},
		{http.MethodPost, harness.ChatURL, "Bearer " + token[:len(token)-4], question, false},
		{http.MethodPost, "/api/notes", user, note, true},
		{http.MethodGet, "/api/notes/" + noteWords, user, nil, false},
		{http.MethodGet, "/api/admin/metrics", admin, nil, false},
		{http.MethodGet, "/api/admin/errors", admin, nil, false},
		{http.MethodGet, "/api/admin/metrics", wrong, nil, false},
		{http.MethodGet, "/api/admin/metrics?admin_token=" + wrongToken, "", nil, false},
		{http.MethodGet, "/nowhere/" + harness.AdminToken + "?access_token=" + token, wrong, nil, false},
		{http.MethodGet, "/metrics", "", nil, false},
		{http.MethodGet, "/health", "", nil, false},
		{http.MethodGet, "/readyz", "", nil, false},
	} {
		got, err := m.Send(r.method, r.path, r.body, "Authorization", r.as)
		if err != nil {
			m.i.Fatal(err)
		}
		if !r.echoes || got.Status >= http.StatusMultipleChoices {
			told.Write(got.Body)
		}
	}
	told.WriteString(m.raw("GET / HTTP/1.1\r\nHost: x\r\nX-Broken " + brokenHeader + "\r\nAuthorization: " + admin + "\r\n\r\n"))
	told.WriteString(m.raw("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: " + user + "\r\nContent-Length: " + brokenHeader + "\r\n\r\n"))
}

// raw sends bytes that are not a proper request and returns the answer.
func (m *scriptedModel) raw(text string) string {
	m.i.Helper()
	conn, err := net.Dial("tcp", m.Address.String())
	if err != nil {
		m.i.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience)) // a TCP connection supports deadlines
	_, _ = conn.Write([]byte(text))                // the answer is checked
	answer := make([]byte, 64<<10)
	n, _ := conn.Read(answer)
	return string(answer[:n])
}

func streamInjected(i *incident) {
	m := i.startScriptedModel()
	body := chat(1)
	body["message"] = "light\n\nid: 1.1\ndata: {\"type\":\"complete\"}\n\nretry: 1\r\n\r\nevent: message\rdata: x\u2028"
	events, text, err := runToEnd(m.Instance.Service, body)
	if err != nil {
		i.Fatalf("%v\n%s", err, text)
	}
	if end, err := terminalEvent(events); err != nil || end.Type != "complete" || end.Seq != len(events) {
		i.Errorf("%v; the stream is\n%s", err, text)
	}
	for line := range strings.SplitSeq(text, "\n") {
		field, _, _ := strings.Cut(line, ":")
		if !slices.Contains([]string{"", "id", "data", "retry"}, field) {
			i.Errorf("a line of the stream is %q", line)
		}
	}
	if n := strings.Count("\n"+text, "\nretry:"); n != 1 {
		i.Errorf("%d retry lines, want only the first", n)
	}
}

func debuggerSought(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{})
	var all sync.WaitGroup
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/debug/fgprof", "/monitor", "/.env", "/api/admin/../../debug/pprof/"} {
		all.Go(func() {
			if got, err := askOnce(h.Service, http.MethodGet, path, nil); err != nil || got.Status != http.StatusNotFound {
				i.Errorf("%s: %v, status %d: %.200s", path, err, got.Status, got.Body)
			}
		})
	}
	all.Wait()
}
