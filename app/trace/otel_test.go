//go:build otel

package trace

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"studysharper/app/testkit"
)

// exported is a span as a collector receives it.
type exported struct {
	TraceID, SpanID, ParentSpanID, Name string
	Kind                                int
	StartTimeUnixNano, EndTimeUnixNano  string
	Status                              struct {
		Code    int
		Message string
	}
	Attributes []struct {
		Key   string
		Value struct{ StringValue, IntValue string }
	}
}

// collect starts a collector and returns the batches of spans that it receives.
func collect(t *testing.T) (url string, batches chan []exported) {
	t.Helper()
	batches = make(chan []exported, 16)
	return testkit.HTTPServer(t, func(_ http.ResponseWriter, r *http.Request) {
		var body struct {
			ResourceSpans []struct{ ScopeSpans []struct{ Spans []exported } }
		}
		text, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(text, &body) != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("X-Key") != "secret" {
			t.Errorf("%s %v: %s", r.URL, r.Header, text)
			return
		}
		batches <- body.ResourceSpans[0].ScopeSpans[0].Spans
	}), batches
}

func TestSpansReachTheCollectorBelowEachOther(t *testing.T) {
	url, batches := collect(t)
	s := newSender(url+"/", "X-Key=secret", "")
	go s.run()
	parent, _ := Parse(valid)
	request, outer := parent.Begin(Server, "POST /api/ai/process")
	call, inner := request.Begin(Client, "chat gpt")
	inner.Set("http.response.status_code", 503)
	inner.Set("gen_ai.request.model", "gpt")
	inner.failure = "busy"
	inner.ended, outer.ended = time.Now(), time.Now()
	s.take(inner)
	s.take(outer)
	s.flush(time.Minute)
	got := <-batches
	if len(got) != 2 || got[0].ParentSpanID != got[1].SpanID || got[1].ParentSpanID != "00f067aa0ba902b7" || got[0].TraceID != parent.TraceID() || got[0].Kind != 3 {
		t.Fatalf("got %+v", got)
	}
	if got[0].Status.Code != 2 || got[0].Status.Message != "busy" || got[0].Attributes[0].Value.IntValue != "503" || got[0].Attributes[1].Value.StringValue != "gpt" || got[1].Status.Code != 0 {
		t.Errorf("got %+v", got[0])
	}
	if call.String() != "00-"+got[0].TraceID+"-"+got[0].SpanID+"-01" {
		t.Errorf("the call passes on %s", call)
	}
}

func TestATraceBeginsHereWhereTheClientHasNone(t *testing.T) {
	c, span := Context{}.Begin(Server, "GET /")
	if !c.Valid() || span.parent != [spanLen]byte{} {
		t.Errorf("%q, parent %x", c, span.parent)
	}
	if again, _ := (Context{}).Begin(Server, "GET /"); again.TraceID() == c.TraceID() {
		t.Error("two traces have one id")
	}
}

func TestNobodyWaitsForACollectorThatIsAway(t *testing.T) {
	s := newSender(testkit.ClosedPort(t), "", "") // run is not called, so the queue fills up
	_, span := Context{}.Begin(Internal, "run")
	for range queueLen + 10 {
		s.take(span)
	}
	if len(s.spans) != queueLen {
		t.Errorf("%d spans wait", len(s.spans))
	}
	s.flush(time.Millisecond)
	unset := newSender("", "", "")
	unset.take(span)
	if unset.flush(time.Hour); len(unset.spans) != 0 {
		t.Error("spans wait for no collector")
	}
	span.context.flags = 0
	span.End(errors.New("not sent")) // the caller records nothing
	(*Span)(nil).Set("key", "value")
	(*Span)(nil).End(nil)
}
