package openai

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/study"
)

const plants = "Plants make sugar from light."

// replayed is the expected result of an answer. The zero value means that it is read completely.
type replayed struct {
	text   string
	tokens int // of each call
	code   study.Code
	again  bool // the same model is called again
	next   bool // the fallback is asked
}

// openrouter has a row for each file of testdata/openrouter.
var openrouter = map[string]replayed{
	"stream":                     {text: plants, tokens: 23},
	"stream_usage_beside_choice": {text: plants, tokens: 23},
	"stream_reasoning":           {text: plants, tokens: 23},
	"stream_length":              {text: "Plants make", tokens: 23},
	"stream_error_first":         {code: study.CodeUpstreamUnavailable, again: true, next: true},
	"stream_error_midway":        {text: "Plants make", code: study.CodeUpstreamUnavailable},
	"stream_error_rate_limit":    {code: study.CodeUpstreamLimited, again: true, next: true},
	"stream_moderated":           {code: study.CodeWithheld},
	"plain":                      {text: plants, tokens: 23},
	"plain_padded":               {text: plants, tokens: 23},
	"plain_reasoning":            {text: plants, tokens: 23},
	"plain_reasoning_only":       {tokens: 23, code: study.CodeUpstreamFailed, again: true, next: true},
	"plain_choice_error":         {tokens: 23, code: study.CodeUpstreamUnavailable, again: true, next: true},
	"plain_502_within_200":       {code: study.CodeUpstreamUnavailable, again: true, next: true},
	"plain_moderated_within_200": {code: study.CodeWithheld},
	"400":                        {code: study.CodeUpstreamRefused, next: true},
	"401":                        {code: study.CodeUpstreamRefused, next: true},
	"402":                        {code: study.CodeCredit, next: true},
	"403_key":                    {code: study.CodeUpstreamRefused, next: true},
	"403_moderation":             {code: study.CodeWithheld},
	"404":                        {code: study.CodeUpstreamRefused, next: true},
	"408":                        {code: study.CodeUpstreamTimeout, again: true, next: true},
	"429":                        {code: study.CodeUpstreamLimited, again: true, next: true},
	"429_retry_after":            {code: study.CodeUpstreamLimited, next: true},
	"429_free_models":            {code: study.CodeUpstreamLimited, next: true},
	"502":                        {code: study.CodeUpstreamUnavailable, again: true, next: true},
	"502_html":                   {code: study.CodeUpstreamUnavailable, again: true, next: true},
	"503":                        {code: study.CodeUpstreamUnavailable, again: true, next: true},
}

func TestAnswersInOpenRoutersShapes(t *testing.T) {
	files, err := filepath.Glob("testdata/openrouter/*.http")
	if err != nil || len(files) != len(openrouter) {
		t.Errorf("%d files for %d rows, %v", len(files), len(openrouter), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".http")
		t.Run(name, func(t *testing.T) {
			want, known := openrouter[name]
			if !known {
				t.Fatal("has no row")
			}
			recording, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			both(t, func(t *testing.T, onText func(string)) {
				if stream := strings.HasPrefix(name, "stream"); stream && onText == nil || strings.HasPrefix(name, "plain") && onText != nil {
					t.Skip("does not apply to this kind of call")
				}
				synctest.Test(t, func(t *testing.T) { want.check(t, recording, onText) })
			})
		})
	}
}

// check replays the recording to a client without a fallback, and to a client with one.
func (want replayed) check(t *testing.T, recording []byte, onText func(string)) {
	t.Helper()
	p := player{t: t, recording: recording, asked: map[string]int{}}
	_, c := inBubble(Options{APIKey: keyCanary})
	c.http.Transport = inProcess{&p}
	answer, err := c.Generate(t.Context(), prompt(), onText)
	if answer.Text != want.text || answer.Tokens != want.tokens*answer.Calls {
		t.Errorf("answer is %+v, want %+v", answer, want)
	}
	if want.code != "" {
		wantCode(t, err, want.code)
		wantNothingOf(t, err, recording)
	} else if err != nil || answer.Model != "anthropic/claude-3.5-haiku" {
		t.Errorf("answer is %+v, error %v", answer, err)
	}
	if again := p.asked["first"] > 1; again != want.again {
		t.Errorf("asked %d times", p.asked["first"])
	}
	_, c = inBubble(Options{APIKey: keyCanary, Fallbacks: []string{"second"}})
	c.http.Transport = inProcess{&p}
	answer, err = c.Generate(t.Context(), prompt(), onText)
	if next := p.asked["second"] > 0; next != want.next || next && (err != nil || answer.Text != "instead") {
		t.Errorf("with a fallback: %v asked, answer %+v, error %v", p.asked, answer, err)
	}
}

// wantNothingOf fails if an error quotes the response body.
func wantNothingOf(t *testing.T, err error, recording []byte) {
	t.Helper()
	_, body, _ := strings.Cut(string(recording), "\n\n")
	for _, word := range strings.FieldsFunc(body, func(r rune) bool { return strings.ContainsRune("\"{}:,\n", r) }) {
		if len(word) > 20 && strings.Contains(spill(err), word) {
			t.Errorf("error quotes %q: %s", word, spill(err))
		}
	}
}

// player answers calls of the first model with a recording, and other calls well.
type player struct {
	t         *testing.T
	recording []byte
	asked     map[string]int // by model; a test makes one call at a time
}

func (p *player) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if !bytes.Contains(body, []byte(`"first"`)) {
		p.asked["second"]++
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"choices":[{"message":{"content":"instead"}}]}`)
		return
	}
	p.asked["first"]++
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(p.recording)), nil)
	if err != nil {
		p.t.Error(err)
		return
	}
	for key, values := range resp.Header {
		w.Header()[key] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

func TestRateLimitsEndIsReadFromOpenRoutersMetadata(t *testing.T) {
	now := time.UnixMilli(1_741_305_600_000)
	for reset, want := range map[string]time.Duration{
		`"1741305630000"`: 30 * time.Second, `1741305600001`: time.Millisecond, `"1741392000000"`: 24 * time.Hour, `"1741392000001"`: 24 * time.Hour,
		`"9223372036854775807"`: 24 * time.Hour, `"1741305600000"`: 0, `"-9223372036854775808"`: 0, `"soon"`: 0, `""`: 0, `null`: 0, `{}`: 0,
		`"` + strings.Repeat("1", 100) + `"`: 0,
	} {
		if r := newReport(429, []byte(`{"metadata":{"headers":{"X-RateLimit-Reset":`+reset+`}}}`), now); r.wait != want || r.moderated {
			t.Errorf("%s is %+v, want %v", reset, r, want)
		}
	}
}

func TestMetadataOfAnotherShapeSaysNothing(t *testing.T) {
	for _, object := range []string{``, `null`, `"out of memory"`, `[]`, `{"metadata":null}`, `{"metadata":"x"}`, `{"metadata":{"headers":7}}`,
		`{"metadata":{"reasons":null}}`, `{"metadata":{"reasons":"x"}}`} {
		if r := newReport(500, []byte(object), time.Now()); r.wait != 0 || r.moderated || r.kind() != byStatus {
			t.Errorf("%s is %+v", object, r)
		}
	}
}

func TestErrorWhoseBodyDoesNotComeIsAnErrorSoon(t *testing.T) {
	for status, code := range map[int]study.Code{403: study.CodeUpstreamRefused, 429: study.CodeUpstreamLimited} {
		both(t, func(t *testing.T, onText func(string)) {
			synctest.Test(t, func(t *testing.T) {
				_, c := inBubble(Options{})
				c.http.Transport = inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.WriteHeader(status)
					<-r.Context().Done()
				})}
				began := time.Now()
				_, err := c.Generate(t.Context(), prompt(), onText)
				wantCode(t, err, code)
				if took := time.Since(began); took > 5*errorGrace {
					t.Errorf("%d: failed after %v", status, took)
				}
			})
		})
	}
}
