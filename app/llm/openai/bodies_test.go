package openai

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"studysharper/app/study"
)

// long is an answer that no chunk repeats by coincidence.
const long = "The Calvin cycle takes place in the stroma of a chloroplast."

// oddBodies are bodies that contain the answer long.
var oddBodies = map[string]string{
	"lines without a field":     strings.ReplaceAll(strings.TrimSuffix(streamOf(long), "data: [DONE]\n\n"), "data: ", ""),
	"a field twice":             strings.ReplaceAll(streamOf(long), "data: ", "data: data: "),
	"a space before the field":  strings.ReplaceAll(streamOf(long), "data: ", " data: "),
	"words to keep it alive":    strings.Repeat("data: ping\n\n", maxBadLines+5) + streamOf(long),
	"events to keep it alive":   strings.Repeat("event: ping\ndata: {\"type\":\"ping\"}\n\n", 5) + streamOf(long),
	"the whole text at last":    strings.Replace(streamOf(long), "data: [DONE]", chunkOf(long)+"data: [DONE]", 1),
	"an error after the end":    strings.Replace(streamOf(long), "data: [DONE]", `data: {"error":{"code":500,"message":"late"}}`, 1),
	"an end in quotes":          strings.Replace(streamOf(long), "[DONE]", `"[done]"`, 1),
	"finished in each chunk":    strings.ReplaceAll(streamOf(long), `"}}]}`, `"},"finish_reason":"stop"}]}`),
	"a part":                    `{"choices":[{"message":{"content":{"type":"text","text":"` + long + `"}}}]}`,
	"parts that are strings":    `{"choices":[{"message":{"content":["` + long + `"]}}]}`,
	"a part with a value":       `{"choices":[{"message":{"content":[{"type":"text","text":{"value":"` + long + `"}}]}}]}`,
	"a message that is a text":  `{"choices":[{"message":"` + long + `"}]}`,
	"a choice that is no list":  `{"choices":{"message":{"content":"` + long + `"}}}`,
	"a choice with the index 1": `{"choices":[{"index":1,"message":{"content":"` + long + `"}}]}`,
	"inside of an object":       `{"success":true,"data":{"choices":[{"message":{"content":"` + long + `"}}]}}`,
	"a text after it":           `{"choices":[{"message":{"content":"` + long + `"}}]}` + "\n\ndata: [DONE]\n",
	"an object after it":        `{"choices":[{"message":{"content":"` + long + `"}}]}{}`,
	"a character in two chunks": strings.Replace(streamOf(long), "cycle", "cy\xc3\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"\xa9cle", 1),
}

func chunkOf(text string) string {
	return `data: {"choices":[{"index":0,"delta":{"content":"` + text + `"}}]}` + "\n\n"
}

// streamOf returns a stream of a text in three chunks.
func streamOf(text string) string {
	return chunkOf(text[:10]) + chunkOf(text[10:30]) + chunkOf(text[30:]) + `data: {"choices":[{"delta":{},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n"
}

func TestOddBodiesHoldTheAnswer(t *testing.T) {
	for name, body := range oddBodies {
		want := long
		if name == "a character in two chunks" {
			want = strings.Replace(long, "cycle", "cyécle", 1)
		}
		both(t, func(t *testing.T, onText func(string)) {
			answer, err := served(t, "", body).Generate(t.Context(), prompt(), onText)
			if err != nil || answer.Text != want || answer.Cut != study.NotCut || answer.Calls != 1 {
				t.Errorf("%s: %+v, %v", name, answer, err)
			}
		})
	}
}

func TestObjectsAreFoundBesideTheText(t *testing.T) {
	const object = `{"ok":true}`
	quoted, _ := json.Marshal(object) // a string
	for name, body := range map[string]string{
		"the content":             `{"choices":[{"message":{"content":` + object + `}}]}`,
		"a field of its own":      `{"choices":[{"message":{"content":null,"parsed":` + object + `}}]}`,
		"a tool":                  `{"choices":[{"message":{"content":null,"tool_calls":[{"function":{"arguments":` + string(quoted) + `}}]},"finish_reason":"tool_calls"}]}`,
		"a tool, as an object":    `{"choices":[{"message":{"content":"","tool_calls":[{"function":{"arguments":` + object + `}}]},"finish_reason":"tool_calls"}]}`,
		"a function":              `{"choices":[{"message":{"content":null,"function_call":{"arguments":` + string(quoted) + `}},"finish_reason":"function_call"}]}`,
		"a tool of a stream":      chunks(`{"tool_calls":[{"function":{"name":"f","arguments":""}}]}`, `{"tool_calls":[{"function":{"arguments":"{\"ok\":"}}]}`, `{"tool_calls":[{"function":{"arguments":"true}"}}]}`),
		"a tool beside the text":  `{"choices":[{"message":{"content":` + string(quoted) + `,"tool_calls":[{"function":{"arguments":"{}"}}]}}]}`,
		"what its check rejected": `{"error":{"message":"Failed to generate JSON.","code":"json_validate_failed","failed_generation":` + string(quoted) + `}}`,
	} {
		status := http.StatusOK
		if strings.HasPrefix(body, `{"error"`) {
			status = http.StatusBadRequest
		}
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		both(t, func(t *testing.T, onText func(string)) {
			answer, err := client(t, Options{BaseURL: web.URL, Model: "first"}).Generate(t.Context(), structured(), onText)
			if err != nil || answer.Text != object || answer.Calls != 1 {
				t.Errorf("%s: %+v, %v", name, answer, err)
			}
		})
		web.Close()
	}
}

func TestCompressedBodiesAreReadWhateverTheirHeadersSay(t *testing.T) {
	zip := func(w io.WriteCloser, buf *bytes.Buffer, body string) []byte {
		_, _ = io.WriteString(w, body)
		_ = w.Close()
		return buf.Bytes()
	}
	var a, b, c bytes.Buffer
	for name, test := range map[string]struct {
		encoding string
		status   int
		body     []byte
		says     string
	}{
		"gzip without a header": {"", 200, zip(gzip.NewWriter(&a), &a, goodBody), ""},
		"deflate":               {"deflate", 200, zip(zlib.NewWriter(&b), &b, goodBody), ""},
		"an error":              {"gzip", 402, zip(gzip.NewWriter(&c), &c, `{"error":{"message":"Insufficient Balance"}}`), "no credit left"},
	} {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if test.encoding != "" {
				w.Header().Set("Content-Encoding", test.encoding)
			}
			w.WriteHeader(test.status)
			_, _ = w.Write(test.body)
		}))
		answer, err := client(t, Options{BaseURL: web.URL, Model: "first"}).Generate(t.Context(), prompt(), nil)
		if test.says == "" && (err != nil || answer.Text != "text") || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: %+v, %v", name, answer, err)
		}
		web.Close()
	}
}

func TestRefusedParametersAreKnownInEveryDialect(t *testing.T) {
	for name, test := range map[string]struct {
		status  int
		body    string
		without dialect
	}{
		"vLLM, no room for the answer": {400, `{"message":"This model's maximum context length is 4096 tokens. However, you requested 4500 tokens (500 in the messages, 4000 in the completion). Please reduce the length."}`, noBound},
		"TGI, no room for the answer":  {422, "{\"error\":\"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 500 `inputs` tokens and 4000 `max_new_tokens`\"}", noBound},
		"a template":                   {400, `{"message":"Only user and assistant roles are supported!"}`, noSystem},
		"JSON mode":                    {400, `{"error":{"message":"JSON mode is not supported for this model"}}`, noSchema},
		"its own check, no text":       {400, `{"error":{"message":"Failed to generate JSON.","code":"json_validate_failed","failed_generation":""}}`, noSchema},
	} {
		asked := 0
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if asked++; asked > 1 {
				_, _ = io.WriteString(w, goodBody)
				return
			}
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, test.body)
		}))
		p := structured()
		p.MaxTokens = 4000
		c := client(t, Options{BaseURL: web.URL, Model: "first"})
		if answer, err := c.Generate(t.Context(), p, nil); err != nil || answer.Calls != 2 || c.capabilities["first"].dialect() != test.without {
			t.Errorf("%s: %+v, %v, without %v", name, answer, err, c.capabilities["first"].dialect())
		}
		web.Close()
	}
}

func TestEventsThatAreNamedErrorFail(t *testing.T) {
	for body, says := range map[string]string{
		"event: error\ndata: {\"code\":\"invalid_api_key\",\"message\":\"no\"}\n\n": "rejected this server's API key",
		"event: error\ndata: something went wrong\n\n":                              "cannot answer right now",
		`data: {"object":"error","message":"Insufficient Balance"}` + "\n\n":        "no credit left",
	} {
		_, err := served(t, "text/event-stream", body).Generate(t.Context(), prompt(), func(string) {})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", body, err)
		}
	}
}
