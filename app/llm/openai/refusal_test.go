package openai

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"studysharper/app/study"
)

// refusals are observed error responses of upstreams, with their meaning.
var refusals = []refusal{
	{"OpenAI, context", 400, `{"error":{"message":"This model's maximum context length is 4096 tokens. However, your messages resulted in 9000 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`,
		study.CodeTooLong, true, "about 9000 tokens, and it takes 4096"},
	{"Anthropic, context", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 208310 tokens > 200000 maximum"}}`,
		study.CodeTooLong, true, "about 208310 tokens, and it takes 200000"},
	{"Gemini, context", 400, `[{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}]`,
		study.CodeTooLong, true, "about 1200000 tokens, and it takes 1048576"},
	{"llama.cpp, context", 400, `{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":4096}}`,
		study.CodeTooLong, true, "about 9000 tokens, and it takes 4096"},
	{"LM Studio, context", 400, `{"error":"Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens"}`,
		study.CodeTooLong, true, "about 9000 tokens, and it takes 4096"},
	{"Groq, more than a minute's share", 429, `{"error":{"message":"Request too large for model x on tokens per minute (TPM): Limit 6000, Requested 7033, please reduce your message size","type":"tokens","code":"rate_limit_exceeded"}}`,
		study.CodeTooLong, true, "about 7033 tokens, and it takes 6000"},
	{"a proxy, context", 413, `<html>Request Entity Too Large</html>`, study.CodeTooLong, true, "too long for the model: about "},
	{"Azure, filter", 400, `{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","param":"prompt","code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation"}}}`,
		study.CodeWithheld, false, "moderation"},
	{"Qwen, filter", 400, `{"error":{"code":"data_inspection_failed","message":"Input data may contain inappropriate content."}}`, study.CodeWithheld, false, "moderation"},
	{"OpenAI, quota", 429, `{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","code":"insufficient_quota"}}`,
		study.CodeCredit, true, "no credit left"},
	{"DeepSeek, credit", 402, `{"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}`, study.CodeCredit, true, "no credit left"},
	{"Anthropic, credit", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}`,
		study.CodeCredit, true, "no credit left"},
	{"Gemini, key", 400, `[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]`,
		study.CodeUpstreamRefused, true, "rejected this server's API key"},
	{"OpenAI, key", 401, `{"error":{"message":"Incorrect API key provided: sk-canary-0123456789","code":"invalid_api_key"}}`, study.CodeUpstreamRefused, true, "rejected this server's API key"},
	{"OpenAI, country", 403, `{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported"}}`,
		study.CodeUpstreamRefused, true, "country"},
	{"OpenAI, model", 403, `{"error":{"message":"Project does not have access to model x","code":"model_not_found"}}`, study.CodeUpstreamRefused, true, "does not know the model"},
	{"Azure, deployment", 404, `{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}`,
		study.CodeUpstreamRefused, true, "does not know the model"},
	{"Ollama, model", 404, `{"error":{"message":"model \"x\" not found, try pulling it first","type":"api_error"}}`, study.CodeUpstreamRefused, true, "does not know the model"},
	{"Ollama, path", 404, "404 page not found", study.CodeUpstreamRefused, false, "address"},
	{"vLLM, path", 404, `{"detail":"Not Found"}`, study.CodeUpstreamRefused, false, "address"},
	{"OpenAI, path", 404, `{"error":{"message":"Invalid URL (POST /v1/chat/chat/completions)","type":"invalid_request_error"}}`, study.CodeUpstreamRefused, false, "address"},
	{"Azure, path", 404, `{"error":{"code":"404","message":"Resource not found"}}`, study.CodeUpstreamRefused, false, "address"},
	{"LM Studio, path", 200, `{"error":"Unexpected endpoint or method. (POST /chat/completions)"}`, study.CodeUpstreamRefused, false, "address"},
	{"a web server, path", 404, `<html><body>nginx, the best model of a web server</body></html>`, study.CodeUpstreamRefused, false, "address"},
}

func TestRefusalsMeanTheSameInEveryDialect(t *testing.T) {
	for _, test := range slices.Concat(refusals, moreRefusals) {
		asked := 0
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.WriteHeader(test.status)
			_, _ = w.Write([]byte(test.body))
		}))
		c := client(t, Options{BaseURL: web.URL, Model: "first", Fallbacks: []string{"second"}})
		_, err := c.Generate(t.Context(), prompt(), nil)
		if e := study.AsError(err); e == nil || e.Code != test.want || !strings.Contains(e.Message, test.says) {
			t.Errorf("%s: %v", test.name, err)
		}
		if next := asked > 1; next != test.next || asked > 2 {
			t.Errorf("%s: %d calls", test.name, asked)
		}
		wantNoCanary(t, err)
		web.Close()
	}
}

func TestTheLogIsToldTheCodesOfARefusalAndNoneOfItsText(t *testing.T) {
	const canary = "canary-0123456789"
	for name, test := range map[string]struct{ body, want string }{
		"words":      {`{"error":{"message":"` + canary + `","type":"invalid_request_error","param":"messages[0].role","code":"unsupported_value"}}`, "code unsupported_value, type invalid_request_error, param messages[0].role"},
		"numbers":    {`{"error":{"message":"` + canary + `","code":1301}}`, "code 1301"},
		"Google's":   {`[{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"` + canary + `"}}]`, "code 400, type INVALID_ARGUMENT"},
		"a key":      {`{"error":{"code":"` + canary + `","type":"sk_0123456789","param":"two words"}}`, "upstream status 400"},
		"one string": {`{"error":"` + canary + `"}`, "upstream status 400"},
		"no JSON":    {canary, "upstream status 400"},
	} {
		r := newReport(400, []byte(test.body), time.Now())
		if said := r.cause().Error(); !strings.HasSuffix(said, test.want) || strings.Contains(said, "0123456789") {
			t.Errorf("%s: %q", name, said)
		}
	}
}

func TestWaitsAreReadWhereverTheyStand(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for body, want := range map[string]time.Duration{
		`[{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"26s"}]}}]`: 26 * time.Second,
		`[{"error":{"details":[{"retryDelay":"26.5s"}]}}]`:                                                  26500 * time.Millisecond,
		`{"error":"Model x is currently loading","estimated_time":20.5}`:                                    20500 * time.Millisecond,
		`{"error":{"message":"Please try again in 6m2.4s. Visit"}}`:                                         362400 * time.Millisecond,
		`{"error":{"message":"Please try again in 20ms."}}`:                                                 20 * time.Millisecond,
		`{"error":{"retry_after":"1.5"}}`:                                                                   1500 * time.Millisecond,
		`{"estimated_time":1e300}`:                                                                          24 * time.Hour,
		`{"estimated_time":-1}`:                                                                             0,
		`{"retryDelay":"soon"}`:                                                                             0,
	} {
		if r := newReport(429, []byte(body), now); r.wait != want {
			t.Errorf("%s: %v, want %v", body, r.wait, want)
		}
	}
	for _, test := range []struct {
		headers map[string]string
		want    time.Duration
	}{
		{map[string]string{"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s", "x-ratelimit-reset-tokens": "7ms"}, 6 * time.Minute},
		{map[string]string{"x-ratelimit-reset-requests": "2s", "x-ratelimit-reset-tokens": "1m"}, 2 * time.Second},
		{map[string]string{"x-ratelimit-reset": "1767323050"}, 5 * time.Second},
		{map[string]string{"x-ratelimit-reset": "1767323050000"}, 5 * time.Second},
		{map[string]string{"x-ratelimit-reset": "30"}, 30 * time.Second},
		{map[string]string{"anthropic-ratelimit-requests-reset": "2026-01-02T03:05:05Z"}, time.Minute},
		{map[string]string{"retry-after": "3", "x-ratelimit-reset": "30"}, 3 * time.Second},
		{map[string]string{"x-ratelimit-reset": "yesterday"}, 0},
	} {
		h := http.Header{}
		for name, value := range test.headers {
			h.Set(name, value)
		}
		if got := headerWait(h, now); got != test.want {
			t.Errorf("%v: %v, want %v", test.headers, got, test.want)
		}
	}
}
