package contract_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// asUser sends a user's request to a worker (0 = either).
func asUser(s *servicetest.Service, worker int, token, method, path, body string) (int, map[string]any) {
	s.T.Helper()
	conn := s.Dial(worker)
	defer conn.Close()
	res, err := servicetest.RawExchange(conn, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: studysharper\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
		method, path, token, len(body), body))
	if err != nil {
		s.T.Fatalf("%s %s: %v\n%s", method, path, err, s.Log)
	}
	got := map[string]any{}
	_ = json.NewDecoder(res.Body).Decode(&got)
	return res.StatusCode, got
}

// keepsSilent checks that the log contains no token, secret or user.
func keepsSilent(s *servicetest.Service, tokens ...string) {
	s.T.Helper()
	for _, word := range append(tokens, "canary", "access_token", "ann") {
		if strings.Contains(s.Log.String(), word) {
			s.T.Errorf("%.10s… is in the log:\n%s", word, s.Log)
		}
	}
}

func TestUsersSeeTheirOwnOnEitherWorker(t *testing.T) {
	s, fake := servicetest.StartStudying(t, nil, "JWT_SECRET="+servicetest.JWTSecret, "LOG_LEVEL=debug")
	ann := servicetest.TokenOf(t, "ann", jwt.SigningMethodHS256, []byte(servicetest.JWTSecret))
	bob := servicetest.TokenOf(t, "bob", jwt.SigningMethodHS256, []byte(servicetest.JWTSecret))
	forged := servicetest.TokenOf(t, "ann", jwt.SigningMethodHS256, []byte("another secret"))
	here, there := s.Pair()
	session := uuid.NewString()
	hers := s.Open(there, session+"?access_token="+ann)
	his := s.Open(there, session+"?access_token="+bob)
	fake.Hold()
	body := fmt.Sprintf(`{"type":"chat","session_id":%q,"message":"Tell me all about light"}`, session)
	if status, got := asUser(s, here, ann, "POST", "/api/ai/process-stream", body); status != 200 {
		t.Fatalf("%d %v", status, got)
	}
	hers.ReachMiddle()
	if got := his.End(); len(got) != 1 || got[0].Type != "error" {
		t.Errorf("who waited in another's session has %+v", got)
	}
	for _, worker := range []int{here, there} {
		if w := s.Open(worker, session, "Authorization: Bearer "+bob, servicetest.LastID(hers.Sofar())); w.Status != 404 {
			t.Errorf("another's stream: %d", w.Status)
		}
		for _, want := range []struct {
			token, method, path, body string
			status                    int
		}{
			{bob, "POST", "/api/ai/process-stream", body, 404},
			{bob, "DELETE", "/api/ai/sessions/" + session, "", 404},
			{bob, "GET", "/api/ai/sessions/" + session + "/messages", "", 404},
			{bob, "GET", "/api/ai/content-stats/ann", "", 403},
			{forged, "GET", "/api/ai/sessions", "", 401},
			{ann, "GET", "/api/ai/sessions", "", 200},
		} {
			if status, got := asUser(s, worker, want.token, want.method, want.path, want.body); status != want.status {
				t.Errorf("%s %s: %d %v, want %d", want.method, want.path, status, got, want.status)
			}
		}
	}
	fake.LetGo()
	servicetest.ExpectEssay(t, hers.End(), 1)
	if status, got := asUser(s, there, bob, "GET", "/api/ai/sessions/"+session, ""); status != 404 {
		t.Errorf("another's session, stored: %d %v", status, got)
	}
	keepsSilent(s, ann, bob, forged)
}

func TestAWaitingStreamStaysItsUsersWhenWorkersAreReplaced(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil, "JWT_SECRET="+servicetest.JWTSecret, "SSE_KEEPALIVE=1")
	ann := servicetest.TokenOf(t, "ann", jwt.SigningMethodHS256, []byte(servicetest.JWTSecret))
	bob := servicetest.TokenOf(t, "bob", jwt.SigningMethodHS256, []byte(servicetest.JWTSecret))
	session := uuid.NewString()
	hers, his := s.Open(0, session, "Authorization: Bearer "+ann), s.Open(0, session, "Authorization: Bearer "+bob)
	if err := s.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.Eventually("both workers are gone", func() bool { return strings.Count(s.Log.String(), "Worker exiting") == 2 })
	body := fmt.Sprintf(`{"type":"chat","session_id":%q,"message":"Tell me all about light"}`, session)
	if status, got := asUser(s, 0, ann, "POST", "/api/ai/process-stream", body); status != 200 {
		t.Fatalf("%d %v", status, got)
	}
	if got := his.End(); len(got) != 1 || got[0].Type != "error" {
		t.Errorf("who waited in another's session has %+v", got)
	}
	servicetest.ExpectEssay(t, hers.End(), 1)
}

func TestTokensSignedWithAPublishedKeyAreTakenAlsoWhileItsIssuerIsAway(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	var away atomic.Bool
	issuer := testkit.HTTPServer(t, func(w http.ResponseWriter, _ *http.Request) {
		if away.Load() {
			http.Error(w, "canary", http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]any{
			"kty": "EC", "crv": "P-256", "kid": "canary-kid", "use": "sig", "x": b64(point[1:33]), "y": b64(point[33:])}}})
	})
	s := servicetest.Start(t, "JWT_JWKS_URL="+issuer+"/keys?canary")
	token := servicetest.TokenOf(t, "ann", jwt.SigningMethodES256, key)
	for range 5 {
		if status, got := asUser(s, 0, token, "GET", "/api/notes", ""); status != 200 {
			t.Errorf("%d %v", status, got)
		}
	}
	away.Store(true)
	if err := s.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.Eventually("both workers are new", func() bool { return strings.Count(s.Log.String(), "Worker exiting") == 2 })
	if status, got := asUser(s, 0, token, "GET", "/api/notes", ""); status != 200 {
		t.Errorf("of a new worker, while the issuer is away: %d %v", status, got)
	}
	confused := servicetest.TokenOf(t, "ann", jwt.SigningMethodHS256, point)
	if status, _ := asUser(s, 0, confused, "GET", "/api/notes", ""); status != 401 {
		t.Errorf("signed with the public key as if it were a secret: %d", status)
	}
	keepsSilent(s, token, confused)
}

func TestWorkersCountALimitTogetherAndTheirSuccessorsGoOn(t *testing.T) {
	s := servicetest.Start(t, "RATE_LIMIT_PER_MINUTE=0", "RATE_LIMIT_PER_HOUR=6", "TRUSTED_PROXIES=127.0.0.0/8")
	if _, got := s.Ask("GET", "/health", ""); got["components"].(map[string]any)["rate_limiting"] != "enabled" {
		t.Errorf("got %v", got)
	}
	a, b := s.Pair()
	passed := 0
	for i := range 12 {
		status, got := s.Exchange([]int{a, b}[i%2], "POST", "/api/ai/process-stream", servicetest.Request("chat", fmt.Sprint("hello ", i), nil))
		switch {
		case status == 200:
			passed++
		case status != 429 || got["code"] != "rate_limited":
			t.Errorf("request %d: %d %v", i+1, status, got)
		}
	}
	if passed != 6 {
		t.Errorf("%d requests passed, want 6", passed)
	}
	s.Kill(a)
	if err := s.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.Eventually("no worker is an old one", func() bool {
		return strings.Count(s.Log.String(), "Worker exiting") >= 2 && !s.PIDs()[a] && !s.PIDs()[b]
	})
	for range 4 {
		if status, got := s.Exchange(0, "POST", "/api/ai/process-stream", servicetest.Request("chat", "hello", nil)); status != 429 {
			t.Errorf("after the workers were replaced: %d %v", status, got)
		}
	}
}
