package httpapi

import (
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestAClientWaitsForItsOwnRequestsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := newTurns(2)
		take := func(client string) func() {
			done, ok := own.take(client, time.Second)
			if !ok {
				t.Fatalf("no turn for %s", client)
			}
			return done
		}
		first, second := take("ann"), take("ann")
		take("bob")() // does not wait for her
		came := make(chan func())
		go func() { came <- take("ann") }()
		synctest.Wait()
		select {
		case <-came:
			t.Error("a third of two")
		default:
		}
		first()
		third := <-came
		began := time.Now()
		if _, ok := own.take("ann", time.Second); ok || time.Since(began) != time.Second {
			t.Errorf("a turn above the bound: %v after %v", ok, time.Since(began))
		}
		second()
		third()
		if len(own.clients) != 0 {
			t.Errorf("clients without a request are kept: %v", own.clients)
		}
	})
}

func TestAnAddressThatWaitsForItsTurnHoldsUpNoOther(t *testing.T) {
	f := serve(t, func(o *Options) {
		o.Admission.Turns = 1
		o.Admission.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	done, _ := f.server.answering.take("192.0.2.1", time.Minute)
	answered := make(chan int)
	go func() {
		answered <- f.ask("GET", "/api/notes?user_id=u", "", "X-Forwarded-For", "192.0.2.1").StatusCode
	}()
	for _, of := range []string{"192.0.2.2", "2001:db8::1"} {
		if r := f.ask("GET", "/api/notes?user_id=u", "", "X-Forwarded-For", of); r.StatusCode != 200 {
			t.Errorf("%s: %d", of, r.StatusCode)
		}
	}
	for _, free := range []string{"/health", "/api/ai/stream-status"} {
		if r := f.ask("HEAD", free, "", "X-Forwarded-For", "192.0.2.9"); r.StatusCode != 200 {
			t.Errorf("%s: %d", free, r.StatusCode)
		}
	}
	select {
	case status := <-answered:
		t.Errorf("answered out of turn: %d", status)
	default:
	}
	done()
	if status := <-answered; status != 200 {
		t.Errorf("in its turn: %d", status)
	}
}

// namesItsLimit checks that a client above a limit gets the limit's name, and how long to wait.
func (f *face) namesItsLimit(r *http.Response) {
	f.t.Helper()
	for _, header := range []string{"RateLimit", "RateLimit-Policy", "Retry-After"} {
		if r.StatusCode == http.StatusTooManyRequests && r.Header.Get(header) == "" {
			f.t.Errorf("%s: 429 without %s: %v", r.Request.URL.Path, header, r.Header)
		}
	}
}
