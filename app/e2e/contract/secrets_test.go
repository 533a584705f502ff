package contract_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"

	"github.com/golang-jwt/jwt/v5"
)

// planted are secrets that must not appear anywhere but where their owner put them.
var planted = map[string]string{
	"the admin token":       "planted-admin-token-0123456789",
	"a wrong admin token":   "planted-wrong-token-0123456789",
	"the signing secret":    "planted-signing-secret-of-32-bytes-and-more",
	"the model's key":       "planted-model-key",
	"a proxy's password":    "planted-url-password",
	"what a student asks":   "planted-question",
	"a note":                "planted-note-text",
	"a source text":         "planted-source-text",
	"the upstream's words":  "planted-upstream-words",
	"a search":              "planted-search-words",
	"a header of no HTTP":   "planted-header-value",
	"a query of no meaning": "planted-query-value",
	"the database password": "planted-database-password",
	"Redis' password":       "planted-redis-password",
}

// plantedToken returns a user's token.
func plantedToken(t *testing.T, user string, expires time.Time) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": user, "exp": expires.Unix()}).
		SignedString([]byte(planted["the signing secret"]))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// send makes a request with headers, given as names and values, and returns the answer's body.
func send(s *servicetest.Service, method, path, body string, header ...string) string {
	s.T.Helper()
	req, err := http.NewRequestWithContext(s.T.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	res, err := client.Do(req)
	if err != nil {
		s.T.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return fmt.Sprint(res.StatusCode, " ", string(text))
}

// raw sends bytes that are not a proper request and returns the answer.
func raw(s *servicetest.Service, text string) string {
	s.T.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		s.T.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	_, _ = io.WriteString(conn, text)
	answer, _ := io.ReadAll(bufio.NewReader(conn))
	return string(answer)
}

// useEverything sends the secrets wherever a client can, and returns the answers that must
// not contain any.
func useEverything(s *servicetest.Service, token, expired string) (answers []string) {
	admin, wrong := planted["the admin token"], planted["a wrong admin token"]
	add := func(answer string) { answers = append(answers, answer) }
	for _, given := range []string{admin, wrong} {
		add(send(s, "GET", "/api/admin/metrics?admin_token="+given, ""))
		add(send(s, "GET", "/api/admin/errors", "", "X-Admin-Token", given))
		add(send(s, "GET", "/api/admin/user-activity/ann", "", "Authorization", "Bearer "+given))
		add(send(s, "GET", "/nowhere/"+given+"?admin_token="+given, "", "X-Admin-Token", given))
	}
	user := []string{"Authorization", "Bearer " + token}
	chat := servicetest.Request("chat", planted["what a student asks"], map[string]any{"content": planted["a source text"]})
	chat = strings.Replace(chat, `,"user_id":"student"`, "", 1) // the token identifies the user
	add(send(s, "POST", "/api/ai/process", chat, user...))      // the model fails: nothing of the prompt may be returned
	add(send(s, "POST", "/api/ai/process-stream", chat, user...))
	add(send(s, "POST", "/api/ai/process", chat, "Authorization", "Bearer "+expired))
	add(send(s, "POST", "/api/ai/process", chat+planted["what a student asks"], user...))
	add(send(s, "POST", "/api/ai/process", `{"type":"`+planted["what a student asks"]+`"}`, user...))
	add(send(s, "GET", "/api/ai/stream/"+planted["what a student asks"]+"?access_token="+token, ""))
	add(send(s, "GET", "/api/ai/stream/01890000-0000-7000-8000-000000000001?access_token="+expired, ""))
	send(s, "POST", "/api/notes", `{"title":"t","content":"`+planted["a note"]+`"}`, user...) // the answer is the note
	add(send(s, "GET", "/api/notes?q="+planted["a search"], "", user...))
	add(raw(s, "GET / HTTP/1.1\r\nHost: x\r\nX-Broken "+planted["a header of no HTTP"]+"\r\n\r\n"))
	add(raw(s, "GET /?"+planted["a query of no meaning"]+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: "+planted["a header of no HTTP"]+"\r\n\r\n"))
	add(raw(s, planted["a header of no HTTP"]+"\r\n\r\n"))
	add(send(s, "GET", "/metrics", ""))
	add(send(s, "GET", "/health", ""))
	return answers
}

func TestNoSecretOrTextOfAStudentIsInAnyOutput(t *testing.T) {
	upstream := testkit.HTTPServer(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // an upstream that quotes everything
		http.Error(w, planted["the upstream's words"]+r.Header.Get("Authorization")+string(body), http.StatusBadRequest)
	})
	upstream = strings.Replace(upstream, "http://", "http://u:"+planted["a proxy's password"]+"@", 1)
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			s := servicetest.Start(t, "LOG_FORMAT="+format, "LOG_LEVEL=debug", "ADMIN_TOKEN="+planted["the admin token"], "JWT_SECRET="+planted["the signing secret"],
				"LLM_API_KEY="+planted["the model's key"], "LLM_BASE_URL="+upstream, "RATE_LIMIT_PER_MINUTE=100")
			token, expired := plantedToken(t, "ann", time.Now().Add(time.Hour)), plantedToken(t, "ann", time.Now().Add(-time.Hour))
			answers := strings.Join(useEverything(s, token, expired), "\n")
			s.Eventually("the run that was begun has failed", func() bool { return strings.Contains(s.Log.String(), "a run failed") })
			_ = s.Stop()
			output := s.Log.String() + answers
			for what, secret := range planted {
				if strings.Contains(output, secret) {
					t.Errorf("%s is in the output:\n%s", what, around(output, secret))
				}
			}
			for _, part := range append(strings.Split(token, "."), strings.Split(expired, ".")[1:]...) {
				if strings.Contains(output, part) {
					t.Errorf("a part of a user's token is in the output:\n%s", around(output, part))
				}
			}
			if n := strings.Count(s.Log.String(), "/api/admin/errors"); n != 2 { // one with the right token and one with a wrong token
				t.Errorf("%d lines of a request whose log line is known: was anything logged?\n%s", n, s.Log)
			}
		})
	}
}

// around returns the line that contains text.
func around(output, text string) string {
	for line := range strings.Lines(output) {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}

func TestNoPasswordOfANeighbourIsToldWhenItIsAwayOrRefused(t *testing.T) {
	env := []string{"PORT=0", "DATABASE_URL=postgres://u:" + planted["the database password"] + "@127.0.0.1:1/x?sslpassword=" + planted["the database password"]}
	redis := "REDIS_URL=redis://u:" + planted["Redis' password"] + "@127.0.0.1:1/0"
	for _, tt := range [][]string{{"serve"}, {"check-config"}, {"doctor"}} {
		for _, with := range [][]string{env, append([]string{redis}, env...)} {
			out, _ := servicetest.Program(t, with, tt...).CombinedOutput()
			for _, secret := range []string{planted["the database password"], planted["Redis' password"]} {
				if len(out) == 0 || strings.Contains(string(out), secret) {
					t.Errorf("%v with %d settings says:\n%s", tt, len(with), out)
				}
			}
		}
	}
}

func TestEveryRequestIsOneLineOfJSONInProduction(t *testing.T) {
	s := servicetest.Start(t, "ENVIRONMENT=production", "JWT_SECRET="+planted["the signing secret"])
	token := plantedToken(t, "ann", time.Now().Add(time.Hour))
	send(s, "GET", "/api/notes/01890000-0000-7000-8000-000000000001?x=y", "", "Authorization", "Bearer "+token, "X-Request-ID", "the-first")
	chat := `{"type":"chat","message":"What is light?","options":{"content":"Light is a kind of electromagnetic radiation that people can see."}}`
	send(s, "POST", "/api/ai/process", chat, "Authorization", "Bearer "+token, "X-Request-ID", "the-second")
	_ = s.Stop()
	for id, wants := range map[string][]string{
		"the-first":  {`"route":"/api/notes/:note"`, `"status":404`, `"method":"GET"`},
		"the-second": {`"route":"/api/ai/process"`, `"status":200`, `"method":"POST"`, `"cache":"MISS"`},
	} {
		line := around(s.Log.String(), `"id":"`+id+`"`)
		if n := strings.Count(s.Log.String(), id); n != 1 || !strings.HasPrefix(line, `{"time":"`) {
			t.Errorf("%s is told %d times: %s", id, n, line)
		}
		for _, want := range append(wants, `"level":"INFO"`, `"msg":"request"`, `"worker":`, `"duration_us":`) {
			if !strings.Contains(line, want) {
				t.Errorf("%s is missing in %s", want, line)
			}
		}
	}
}
