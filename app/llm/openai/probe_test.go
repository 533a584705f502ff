package openai

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/study"
)

// probing returns a Client of an API that answers by path; "" = 404 with the text of a Go server.
func probing(t *testing.T, base string, answers map[string]string) *Client {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer := answers[r.URL.Path]; answer != "" {
			_, _ = io.WriteString(w, answer)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(web.Close)
	return client(t, Options{BaseURL: web.URL + base, Model: "first", APIKey: keyCanary})
}

func TestAProbeFindsTheModelInTheListUnderAnyOfItsNames(t *testing.T) {
	for list, want := range map[string]Diagnosis{
		`{"data":[{"id":"other"},{"id":"first","context_length":"8192"}]}`: {Listed: 2, Offered: true, Context: 8192},
		`[{"id":"first:latest","max_model_len":4096.0}]`:                   {Listed: 1, Offered: true, Context: 4096},
		`{"data":[{"id":"models/first"}]}`:                                 {Listed: 1, Offered: true},
		`{"data":[{"id":"firstly","context_length":8192}]}`:                {Listed: 1},
		`{"data":[{"id":"first"},`:                                         {Listed: 1, Offered: true},
		`<html>`:                                                           {},
		`{"data":[7]}`:                                                     {},
		`{"data":{}}`:                                                      {},
	} {
		c := probing(t, "", map[string]string{"/models": list, "/chat/completions": goodBody})
		got := c.Probe(t.Context())
		want.ListStatus = http.StatusOK
		if got != want {
			t.Errorf("%s: %+v, want %+v", list, got, want)
		}
	}
}

func TestAProbeSaysThatTheAddressLacksV1(t *testing.T) {
	c := probing(t, "", map[string]string{"/v1/models": `{"data":[{"id":"first"}]}`, "/v1/chat/completions": goodBody})
	d := c.Probe(t.Context())
	if e := wantCode(t, d.Call, study.CodeUpstreamRefused); !d.LacksV1 || !strings.Contains(e.Error(), "is /v1 missing") {
		t.Errorf("%+v", d)
	}
}

func TestAProbeThatAModelHasNoTokensForIsAnAnswer(t *testing.T) {
	c := probing(t, "", map[string]string{"/chat/completions": `{"choices":[{"message":{"content":""},"finish_reason":"length"}]}`})
	if d := c.Probe(t.Context()); d.Call != nil || d.ListStatus != http.StatusNotFound {
		t.Errorf("%+v", d)
	}
}

func TestAProbeTellsNothingOfTheUpstreamsText(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	c := client(t, Options{BaseURL: "http://u:" + keyCanary + "@" + gone.Addr().String() + "/v1?key=" + keyCanary, Model: "first"})
	d := c.Probe(t.Context())
	if d.ListError == nil || strings.Contains(d.ListError.Error(), keyCanary) {
		t.Errorf("list: %v", d.ListError)
	}
	wantNoCanary(t, d.Call)
}

func TestAProbeOfASilentAPIEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := inBubble(Options{})
		c.http.Transport = inProcess{http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })}
		began := time.Now()
		d := c.Probe(t.Context())
		wantCode(t, d.Call, study.CodeUpstreamTimeout)
		if took := time.Since(began); d.ListError == nil || took > 3*listTimeout+c.o.Timeout {
			t.Errorf("%+v after %v", d, took)
		}
	})
}

func TestAClientOfAnotherModelSharesTheConnectionsOnly(t *testing.T) {
	server, o := fake(t)
	o.Fallbacks = []string{"second"}
	c := client(t, o)
	judge := c.WithModel("judge")
	answer, err := judge.Generate(t.Context(), prompt(), nil)
	if err != nil || answer.Model != "judge" || judge.Name() != "judge" || c.Name() != "first" {
		t.Errorf("%+v, %v", answer, err)
	}
	wantCalls(t, server, 1)
}
