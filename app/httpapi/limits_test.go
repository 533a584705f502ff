package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"studysharper/app/limit"
	"studysharper/app/memory/shm"
	"studysharper/app/study"
)

func tcpAddr(text string) *net.TCPAddr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(text)) }

// counter is a real table that records the clients it was asked about; it can be broken.
type counter struct {
	*limit.Table
	clients []string
	peeks   int
	broken  error
}

func (c *counter) Take(ctx context.Context, client string, policies []limit.Policy) (limit.Verdict, error) {
	c.clients = append(c.clients, client)
	if c.broken != nil {
		return limit.Verdict{}, c.broken
	}
	return c.Table.Take(ctx, client, policies)
}

func (c *counter) Peek(ctx context.Context, client string, policies []limit.Policy) (limit.Verdict, error) {
	c.peeks++
	if c.broken != nil {
		return limit.Verdict{}, c.broken
	}
	return c.Table.Peek(ctx, client, policies)
}

// serveLimited is serve with limits of 3 a minute and 4 an hour, behind a proxy on this machine.
func serveLimited(t *testing.T, change ...func(*Options)) (*face, *counter) {
	t.Helper()
	c := &counter{Table: limit.NewTable(shm.Local(limit.TableSize))}
	limited := func(o *Options) {
		o.Admission.Counter = c
		o.Admission.Limits = []limit.Policy{{Name: "minute", Quota: 3, Window: time.Minute}, {Name: "hour", Quota: 4, Window: time.Hour}}
		o.Admission.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}
	return serve(t, append([]func(*Options){limited}, change...)...), c
}

var limitField = regexp.MustCompile(`^"minute";r=(\d);t=(\d+), "hour";r=(\d);t=(\d+)$`)

func TestAboveItsLimitAClientIsToldWhenToComeBack(t *testing.T) {
	f, _ := serveLimited(t)
	for i, want := range []int{200, 200, 200, 429, 429} {
		r := f.ask("POST", "/api/ai/process-stream", chat)
		if r.StatusCode != want {
			t.Fatalf("request %d: %d %s", i+1, r.StatusCode, r.body)
		}
		if got := r.Header.Get("RateLimit-Policy"); got != `"minute";q=3;w=60, "hour";q=4;w=3600` {
			t.Errorf("RateLimit-Policy: %s", got)
		}
		left := limitField.FindStringSubmatch(r.Header.Get("RateLimit"))
		if left == nil || left[1] != strconv.Itoa(max(0, 2-i)) || left[3] != strconv.Itoa(max(1, 3-i)) {
			t.Errorf("request %d: RateLimit: %s", i+1, r.Header.Get("RateLimit"))
		}
		retry, err := strconv.Atoi(r.Header.Get("Retry-After"))
		if want == 200 && err == nil || want == 429 && (retry < 15 || retry > 21) {
			t.Errorf("request %d: Retry-After: %q", i+1, r.Header.Get("Retry-After"))
		}
		if got := r.object(t); want == 429 && (got["code"] != "rate_limited" || got["error"] != "Too Many Requests") {
			t.Errorf("got %s", r.body)
		}
	}
	if r := f.ask("POST", "/api/ai/process", chat); r.StatusCode != 200 || r.Header.Get("RateLimit") != "" {
		t.Errorf("an endpoint without a limit: %d %v", r.StatusCode, r.Header)
	}
}

func TestClientsAreToldApartByTheirAddressesAndTheirUsers(t *testing.T) {
	f, c := serveLimited(t)
	for _, forwarded := range []string{"203.0.113.7", "198.51.100.1, 203.0.113.7", "2001:db8:1:2:3::4", ""} {
		f.ask("POST", "/api/ai/process-stream", chat, "X-Forwarded-For", forwarded)
	}
	if got := fmt.Sprint(c.clients); got != "[address 203.0.113.7 address 203.0.113.7 address 2001:db8:1:2::/64 address 127.0.0.1]" {
		t.Errorf("got %s", got)
	}
	users, c := serveLimited(t, func(o *Options) { o.Tokens = passes{"canary-ann": "ann", "canary-bob": "bob"} })
	for range 4 {
		users.ask("POST", "/api/ai/process-stream", `{"type":"chat","message":"m"}`, ann...)
	}
	if r := users.ask("POST", "/api/ai/process-stream", `{"type":"chat","message":"m"}`, bob...); r.StatusCode != 200 {
		t.Errorf("another user: %d", r.StatusCode)
	}
	if got := fmt.Sprint(c.clients); got != "[user ann user ann user ann user ann user bob]" {
		t.Errorf("got %s", got)
	}
	if strings.Contains(users.log.String(), "ann") || strings.Contains(users.log.String(), "canary") {
		t.Errorf("a user is in the log:\n%s", users.log)
	}
}

func TestWhatIsNotValidCountsForNoLimitAndWhatIsShedDoes(t *testing.T) {
	f, c := serveLimited(t)
	for _, body := range []string{``, `{}`, `{"type":"chat","user_id":"u","message":""}`} {
		f.ask("POST", "/api/ai/process-stream", body)
	}
	f.ask("POST", "/api/ai/process-stream", chat, "Content-Encoding", "gzip")
	if len(c.clients) != 0 {
		t.Errorf("counted: %v", c.clients)
	}
	f.runs.start = func(study.Request) (string, error) { return "", study.Errorf(study.CodeOverloaded, "full") }
	if r := f.ask("POST", "/api/ai/process-stream", chat); r.StatusCode != 503 || len(c.clients) != 1 || r.Header.Get("RateLimit") == "" {
		t.Errorf("shed: %d, counted %v", r.StatusCode, c.clients)
	}
}

func TestALimitThatCannotBeCountedLetsPass(t *testing.T) {
	f, c := serveLimited(t)
	c.broken = errors.New("away")
	for range 5 {
		if r := f.ask("POST", "/api/ai/process-stream", chat); r.StatusCode != 200 {
			t.Errorf("got %d", r.StatusCode)
		}
	}
	if !strings.Contains(f.log.String(), "rate limiter unavailable") {
		t.Error("the log does not say so")
	}
}

func TestWithoutLimitsNobodyIsCounted(t *testing.T) {
	f, c := serveLimited(t, func(o *Options) { o.Admission.Limits = nil })
	for range 5 {
		if r := f.ask("POST", "/api/ai/process-stream", chat); r.StatusCode != 200 || r.Header.Get("RateLimit") != "" || r.Header.Get("RateLimit-Policy") != "" {
			t.Errorf("got %d %v", r.StatusCode, r.Header)
		}
	}
	if len(c.clients) != 0 {
		t.Errorf("counted: %v", c.clients)
	}
}

func TestHealthSaysWhetherRequestsAreLimited(t *testing.T) {
	for want, change := range map[string]func(*Options){"enabled": func(*Options) {}, "disabled": func(o *Options) { o.Admission.Limits = nil }} {
		f, _ := serveLimited(t, change)
		got := f.ask("GET", "/health", "").object(t)["components"].(map[string]any)["rate_limiting"]
		if got != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
}

func TestAfterTenWrongAdminTokensAnAddressWaitsForAMinute(t *testing.T) {
	f, _ := serveLimited(t)
	guess := func(token, from string) reply {
		return f.ask("GET", "/api/admin/errors", "", "X-Admin-Token", token, "X-Forwarded-For", from)
	}
	for i, want := range []int{403, 403, 403, 403, 403, 403, 403, 403, 403, 403, 429, 429} {
		r := guess(fmt.Sprint("canary", i), "203.0.113.7")
		if wait, _ := strconv.Atoi(r.Header.Get("Retry-After")); r.StatusCode != want || want == 429 && (wait < 55 || wait > 62) {
			t.Errorf("guess %d: %d, Retry-After %q", i+1, r.StatusCode, r.Header.Get("Retry-After"))
		}
	}
	for name, tt := range map[string]struct {
		token, from string
		want        int
	}{
		"the right one":                 {token, "203.0.113.7", 429}, // otherwise guessing could continue
		"the right one from another":    {token, "203.0.113.9", 200},
		"none":                          {"", "203.0.113.7", 403},
		"a wrong one from another":      {"canary", "203.0.113.8", 403},
		"a wrong one, addresses before": {"canary", "198.51.100.1, 203.0.113.7", 429},
	} {
		if r := guess(tt.token, tt.from); r.StatusCode != tt.want {
			t.Errorf("%s: %d, want %d", name, r.StatusCode, tt.want)
		}
	}
	if strings.Contains(f.log.String(), "canary") {
		t.Errorf("a guess is in the log:\n%s", f.log)
	}
}
