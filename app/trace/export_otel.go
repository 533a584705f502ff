//go:build otel

package trace

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	queueLen   = 2048 // spans waiting to be sent; more are dropped
	batchLen   = 256
	gatherTime = time.Second // how long a batch is collected
	sendTime   = 5 * time.Second
	flushTime  = 2 * time.Second
)

// exporter sends spans to the collector at OTEL_EXPORTER_OTLP_ENDPOINT.
var exporter = sync.OnceValue(func() *sender {
	s := newSender(os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"), os.Getenv("OTEL_EXPORTER_OTLP_HEADERS"), os.Getenv("OTEL_SERVICE_NAME"))
	if s.url != "" {
		go s.run()
	}
	return s
})

// sender sends spans by OTLP over HTTP, as JSON (https://opentelemetry.io/docs/specs/otlp/). Ending a span never waits:
// spans that the collector does not accept in time are dropped.
type sender struct {
	url     string // "" = nothing is sent
	headers map[string]string
	service string
	spans   chan *Span
	flushes chan chan struct{}
}

func newSender(endpoint, headers, service string) *sender {
	s := &sender{headers: map[string]string{}, service: service, spans: make(chan *Span, queueLen), flushes: make(chan chan struct{})}
	if endpoint != "" {
		s.url = strings.TrimSuffix(endpoint, "/") + "/v1/traces"
	}
	for pair := range strings.SplitSeq(headers, ",") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			s.headers[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	if s.service == "" {
		s.service = "studysharper"
	}
	return s
}

func (s *sender) take(span *Span) {
	if s.url == "" {
		return
	}
	select {
	case s.spans <- span:
	default: // the collector is unreachable or too slow
	}
}

// run sends a batch when it is full or gatherTime after its first span.
func (s *sender) run() {
	var batch []*Span
	timer := time.NewTimer(gatherTime)
	for {
		select {
		case span := <-s.spans:
			if batch = append(batch, span); len(batch) == 1 {
				timer.Reset(gatherTime)
			}
			if len(batch) < batchLen {
				continue
			}
		case <-timer.C:
		case done := <-s.flushes:
			for len(s.spans) > 0 {
				batch = append(batch, <-s.spans)
			}
			s.send(batch)
			batch = nil
			close(done)
			continue
		}
		s.send(batch)
		batch = nil
	}
}

// flush waits until all spans so far are sent, for a limited time.
func (s *sender) flush(limit time.Duration) {
	if s.url == "" {
		return
	}
	done, late := make(chan struct{}), time.After(limit)
	select {
	case s.flushes <- done:
	case <-late:
		return
	}
	select {
	case <-done:
	case <-late:
	}
}

func (s *sender) send(batch []*Span) {
	if len(batch) == 0 {
		return
	}
	body, err := json.Marshal(s.document(batch))
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), sendTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return
	}
	request.Header.Set("Content-Type", "application/json")
	for name, value := range s.headers {
		request.Header.Set(name, value)
	}
	if response, err := http.DefaultClient.Do(request); err == nil {
		_ = response.Body.Close()
	}
}

type object = map[string]any

// document is the body of an ExportTraceServiceRequest.
func (s *sender) document(batch []*Span) object {
	spans := make([]object, 0, len(batch))
	for _, span := range batch {
		spans = append(spans, span.document())
	}
	return object{"resourceSpans": []object{{
		"resource":   object{"attributes": []object{{"key": "service.name", "value": object{"stringValue": s.service}}}},
		"scopeSpans": []object{{"scope": object{"name": "studysharper"}, "spans": spans}},
	}}}
}

func (s *Span) document() object {
	attributes := make([]object, 0, len(s.attributes))
	for _, a := range s.attributes {
		attributes = append(attributes, object{"key": a.key, "value": valueOf(a.value)})
	}
	document := object{
		"traceId": hex.EncodeToString(s.context.trace[:]), "spanId": hex.EncodeToString(s.context.span[:]),
		"name": s.name, "kind": int(s.kind), "attributes": attributes,
		"startTimeUnixNano": strconv.FormatInt(s.began.UnixNano(), 10), "endTimeUnixNano": strconv.FormatInt(s.ended.UnixNano(), 10),
	}
	if s.parent != [spanLen]byte{} {
		document["parentSpanId"] = hex.EncodeToString(s.parent[:])
	}
	if s.failure != "" {
		document["status"] = object{"code": 2, "message": s.failure}
	}
	return document
}

func valueOf(value any) object {
	if n, ok := value.(int); ok {
		return object{"intValue": strconv.Itoa(n)}
	}
	text, _ := value.(string)
	return object{"stringValue": text}
}
