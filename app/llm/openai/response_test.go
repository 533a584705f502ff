package openai

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestDataReaderGivesTheDataLines(t *testing.T) {
	const stream = ": comment\n\ndata: {\"a\":1}\r\n\r\ndata:two\nevent: x\nid: 7\n\ndata: [DONE]\n\n"
	for name, r := range map[string]io.Reader{
		"at once": strings.NewReader(stream), "byte by byte": iotest.OneByteReader(strings.NewReader(stream)),
	} {
		d := newDataReader(r, 100)
		var got []string
		for {
			data, err := d.next()
			if err != nil {
				if err != io.EOF {
					t.Errorf("%s: ended with %v", name, err)
				}
				break
			}
			if data != nil {
				got = append(got, string(data))
			}
		}
		if s := strings.Join(got, "|"); s != `{"a":1}|two|[DONE]` {
			t.Errorf("%s: data is %s", name, s)
		}
	}
}

func TestDataReaderRefusesALineOneByteOverTheBound(t *testing.T) {
	const line = "data: 12345\n"
	if data, err := newDataReader(strings.NewReader(line), len(line)).next(); err != nil || string(data) != "12345" {
		t.Errorf("at the bound: %q, %v", data, err)
	}
	if _, err := newDataReader(strings.NewReader(line), len(line)-1).next(); err != errLongLine {
		t.Errorf("one past the bound: %v", err)
	}
}

func TestBoundedReaderRefusesOneByteOverTheBound(t *testing.T) {
	for _, bound := range []int{4, 5} {
		for _, r := range []io.Reader{strings.NewReader("12345"), iotest.OneByteReader(strings.NewReader("12345"))} {
			_, err := io.ReadAll(&boundedReader{r: r, left: bound})
			if want := map[int]error{4: errRawBytes, 5: nil}[bound]; err != want {
				t.Errorf("5 bytes of %d: %v, want %v", bound, err, want)
			}
		}
	}
}

func TestRetryAfterIsReadInAllItsForms(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "-1": 0, "1.5": 1500 * time.Millisecond, ".25": 250 * time.Millisecond, " 2 ": 2 * time.Second,
		"soon": 0, "NaN": 0, "7s": 0, "86400": 24 * time.Hour, "86401": 24 * time.Hour, "1e999": 24 * time.Hour, "Inf": 24 * time.Hour,
		"9223372036854775807": 24 * time.Hour, "99999999999999999999": 24 * time.Hour,
		"Fri, 02 Jan 2026 03:04:35 GMT":  30 * time.Second,
		"Friday, 02-Jan-26 03:04:35 GMT": 30 * time.Second,
		"Fri Jan  2 03:04:35 2026":       30 * time.Second,
		"Fri, 02 Jan 2026 03:04:00 GMT":  0,
		"Sat, 02 Jan 2027 03:04:35 GMT":  24 * time.Hour,
	} {
		if got := headerWait(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q is %v, want %v", value, got, want)
		}
	}
	for millis, want := range map[string]time.Duration{
		"1500": 1500 * time.Millisecond, "0": 0, "0.5": 500 * time.Microsecond, "99999999999999999999": 24 * time.Hour, "soon": 9 * time.Second,
	} {
		if got := headerWait(http.Header{"Retry-After-Ms": {millis}, "Retry-After": {"9"}}, now); got != want {
			t.Errorf("%q ms is %v, want %v", millis, got, want)
		}
	}
}

func TestBackoffIsJitteredOnTopOfWhatWasAsked(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 100 {
		d := backoff(time.Second)
		if d < time.Second+minBackoff || d >= time.Second+maxBackoff {
			t.Fatalf("backoff is %v", d)
		}
		seen[d] = true
	}
	if len(seen) < 50 {
		t.Errorf("only %d different waits of 100", len(seen))
	}
}

func TestRetryBudgetEarnsATenthUpToItsBurst(t *testing.T) {
	b := newRetryBudget(2)
	for range 100 {
		b.earn()
	}
	if !b.spend() || !b.spend() || b.spend() {
		t.Error("a burst of 2 is not 2")
	}
	for range 11 { // ten times 0.1 as floats is less than 1
		b.earn()
	}
	if !b.spend() || b.spend() {
		t.Error("eleven calls did not earn one retry")
	}
}

func TestErrorObjectsOfAllKindsAreRead(t *testing.T) {
	for raw, want := range map[string]int{
		``: 0, `null`: 0, `false`: 0, `""`: 0, `"out of memory"`: 500, `{}`: 500, `[1]`: 500, `{"code":null}`: 500, `{"code":{"a":1}}`: 500,
		`{"code":429}`: 429, `{"code":"429"}`: 429, `{"code":200}`: 500, `{"code":"rate_limit_exceeded"}`: 429,
		`{"code":null,"type":"authentication_error"}`: 401, `{"code":"insufficient_quota"}`: 402, `{"code":400,"status":"INVALID_ARGUMENT"}`: 400,
	} {
		fail := errorIn([]byte(raw), 0)
		if (fail != nil) != (want != 0) || fail != nil && fail.report.status != want {
			t.Errorf("%s is %+v; want %d", raw, fail, want)
		}
	}
}

// newReading returns a reader of a body in memory.
func newReading(body []byte, o Options, onText func(string)) *responseReader {
	return &responseReader{ctx: context.Background(), o: o, onText: onText, idle: newIdleTimer(func() {}, false),
		body: &boundedReader{r: bytes.NewReader(body), left: o.MaxRawBytes}}
}

func FuzzReading(f *testing.F) {
	f.Add([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\ndata: [DONE]\n\n"), true)
	f.Add([]byte(`{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"total_tokens":-3}}`), false)
	f.Add([]byte("data: {\"error\":{\"code\":429}}\n\n"), true)
	f.Add([]byte(": x\r\ndata:\r\ndata: {\r\n"), true)
	o := Options{MaxAnswerBytes: 64, MaxRawBytes: 4096}.withDefaults()
	f.Fuzz(func(t *testing.T, body []byte, streamed bool) {
		shown := 0
		header := http.Header{"Content-Type": {"text/event-stream"}}
		var onText func(string)
		if streamed {
			onText = func(s string) { shown += len(s) }
		}
		r := newReading(body, o, onText)
		fail := r.readBody(header)
		if r.text.Len() > o.MaxAnswerBytes+maxTag || r.answer.Tokens < 0 {
			t.Errorf("answer of %d bytes and %d tokens", r.text.Len(), r.answer.Tokens)
		}
		if fail == nil && streamed && shown < len(r.answer.Text) {
			t.Errorf("showed %d bytes, answered %d", shown, len(r.answer.Text))
		}
		if fail == nil && strings.TrimSpace(r.answer.Text) == "" {
			t.Error("an answer without text is not an answer")
		}
		if fail != nil && shown > 0 && fail.recovery != giveUp {
			t.Error("text was shown and the call is to be retried")
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("7")
	f.Add("Fri, 02 Jan 2026 03:04:35 GMT")
	f.Fuzz(func(t *testing.T, value string) {
		if d := headerWait(http.Header{"Retry-After": {value}}, time.Now()); d < 0 || d > maxRetryAfter {
			t.Errorf("%q is %v", value, d)
		}
	})
}

func TestHarmlessKeepsOnlyWhatIsOurs(t *testing.T) {
	for _, test := range []struct{ in, want error }{
		{nil, nil}, {io.EOF, io.EOF}, {errLongLine, errLongLine}, {errors.New("malformed HTTP response " + keyCanary), errExchange},
	} {
		if got := safeCause(test.in); got != test.want {
			t.Errorf("%v is kept as %v", test.in, got)
		}
	}
}
