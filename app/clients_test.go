package main

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
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

const jwtSecret = "canary-secret-of-thirty-two-bytes"

// tokenOf is a token of a user's, valid for an hour.
func tokenOf(t *testing.T, user string, method jwt.SigningMethod, key any) string {
	t.Helper()
	unsigned := jwt.NewWithClaims(method, jwt.MapClaims{"sub": user, "exp": time.Now().Add(time.Hour).Unix()})
	unsigned.Header["kid"] = "canary-kid"
	token, err := unsigned.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// asUser sends a request of a user's to a worker (0 = either).
func (s *service) asUser(worker int, token, method, path, body string) (int, map[string]any) {
	s.t.Helper()
	conn := s.dial(worker)
	defer conn.Close()
	res, err := ask(conn, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: studysharper\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
		method, path, token, len(body), body))
	if err != nil {
		s.t.Fatalf("%s %s: %v\n%s", method, path, err, s.log)
	}
	got := map[string]any{}
	_ = json.NewDecoder(res.Body).Decode(&got)
	return res.StatusCode, got
}

// keepsSilent checks that no token, secret or user is in the log.
func (s *service) keepsSilent(tokens ...string) {
	s.t.Helper()
	for _, word := range append(tokens, "canary", "access_token", "ann") {
		if strings.Contains(s.log.String(), word) {
			s.t.Errorf("%.10s… is in the log:\n%s", word, s.log)
		}
	}
}

func TestUsersSeeTheirOwnOnEitherWorker(t *testing.T) {
	s, fake := studying(t, nil, "JWT_SECRET="+jwtSecret, "LOG_LEVEL=debug")
	ann := tokenOf(t, "ann", jwt.SigningMethodHS256, []byte(jwtSecret))
	bob := tokenOf(t, "bob", jwt.SigningMethodHS256, []byte(jwtSecret))
	forged := tokenOf(t, "ann", jwt.SigningMethodHS256, []byte("another secret"))
	here, there := s.pair()
	session := uuid.NewString()
	hers := s.open(there, session+"?access_token="+ann)
	his := s.open(there, session+"?access_token="+bob)
	fake.hold()
	body := fmt.Sprintf(`{"type":"chat","session_id":%q,"message":"Tell me all about light"}`, session)
	if status, got := s.asUser(here, ann, "POST", "/api/ai/process-stream", body); status != 200 {
		t.Fatalf("%d %v", status, got)
	}
	hers.reachMiddle()
	if got := his.end(); len(got) != 1 || got[0].Type != "error" {
		t.Errorf("who waited in another's session has %+v", got)
	}
	for _, worker := range []int{here, there} {
		if w := s.open(worker, session, "Authorization: Bearer "+bob, lastID(hers.sofar())); w.status != 404 {
			t.Errorf("another's stream: %d", w.status)
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
			if status, got := s.asUser(worker, want.token, want.method, want.path, want.body); status != want.status {
				t.Errorf("%s %s: %d %v, want %d", want.method, want.path, status, got, want.status)
			}
		}
	}
	fake.letGo()
	expectEssay(t, hers.end(), 1)
	if status, got := s.asUser(there, bob, "GET", "/api/ai/sessions/"+session, ""); status != 404 {
		t.Errorf("another's session, stored: %d %v", status, got)
	}
	s.keepsSilent(ann, bob, forged)
}

func TestAWaitingStreamStaysItsUsersWhenWorkersAreReplaced(t *testing.T) {
	s, _ := studying(t, nil, "JWT_SECRET="+jwtSecret, "SSE_KEEPALIVE=1")
	ann := tokenOf(t, "ann", jwt.SigningMethodHS256, []byte(jwtSecret))
	bob := tokenOf(t, "bob", jwt.SigningMethodHS256, []byte(jwtSecret))
	session := uuid.NewString()
	hers, his := s.open(0, session, "Authorization: Bearer "+ann), s.open(0, session, "Authorization: Bearer "+bob)
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.eventually("both workers are gone", func() bool { return strings.Count(s.log.String(), "Worker exiting") == 2 })
	body := fmt.Sprintf(`{"type":"chat","session_id":%q,"message":"Tell me all about light"}`, session)
	if status, got := s.asUser(0, ann, "POST", "/api/ai/process-stream", body); status != 200 {
		t.Fatalf("%d %v", status, got)
	}
	if got := his.end(); len(got) != 1 || got[0].Type != "error" {
		t.Errorf("who waited in another's session has %+v", got)
	}
	expectEssay(t, hers.end(), 1)
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
	issuer := httpServer(t, func(w http.ResponseWriter, _ *http.Request) {
		if away.Load() {
			http.Error(w, "canary", http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]any{
			"kty": "EC", "crv": "P-256", "kid": "canary-kid", "use": "sig", "x": b64(point[1:33]), "y": b64(point[33:])}}})
	})
	s := start(t, "JWT_JWKS_URL="+issuer+"/keys?canary")
	token := tokenOf(t, "ann", jwt.SigningMethodES256, key)
	for range 5 {
		if status, got := s.asUser(0, token, "GET", "/api/notes", ""); status != 200 {
			t.Errorf("%d %v", status, got)
		}
	}
	away.Store(true)
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.eventually("both workers are new", func() bool { return strings.Count(s.log.String(), "Worker exiting") == 2 })
	if status, got := s.asUser(0, token, "GET", "/api/notes", ""); status != 200 {
		t.Errorf("of a new worker, while the issuer is away: %d %v", status, got)
	}
	confused := tokenOf(t, "ann", jwt.SigningMethodHS256, point)
	if status, _ := s.asUser(0, confused, "GET", "/api/notes", ""); status != 401 {
		t.Errorf("signed with the public key as if it were a secret: %d", status)
	}
	s.keepsSilent(token, confused)
}

func TestWorkersCountALimitTogetherAndTheirSuccessorsGoOn(t *testing.T) {
	s := start(t, "RATE_LIMIT_PER_MINUTE=0", "RATE_LIMIT_PER_HOUR=6", "TRUSTED_PROXIES=127.0.0.0/8")
	if _, got := s.ask("GET", "/health", ""); got["components"].(map[string]any)["rate_limiting"] != "enabled" {
		t.Errorf("got %v", got)
	}
	a, b := s.pair()
	passed := 0
	for i := range 12 {
		status, got := s.exchange([]int{a, b}[i%2], "POST", "/api/ai/process-stream", request("chat", fmt.Sprint("hello ", i), nil))
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
	s.kill(a)
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.eventually("no worker is an old one", func() bool {
		return strings.Count(s.log.String(), "Worker exiting") >= 2 && !s.pids()[a] && !s.pids()[b]
	})
	for range 4 {
		if status, got := s.exchange(0, "POST", "/api/ai/process-stream", request("chat", "hello", nil)); status != 429 {
			t.Errorf("after the workers were replaced: %d %v", status, got)
		}
	}
}
