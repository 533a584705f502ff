package openai

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"studysharper/app/study"
)

// BenchmarkGenerate measures one call to an API that answers at once, over loopback. The API's own cost is included; it
// is the minimum that net/http needs.
func BenchmarkGenerate(b *testing.B) {
	const tokens = 100
	text := strings.Repeat("word ", tokens)
	plain := fmt.Sprintf(`{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":{"total_tokens":9}}`, text)
	stream := strings.Repeat(`data: {"id":"x","model":"m","choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}`+"\n\n", tokens) +
		`data: {"id":"x","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n" +
		`data: {"id":"x","model":"m","choices":[],"usage":{"total_tokens":9}}` + "\n\ndata: [DONE]\n\n"
	prompt := study.Prompt{JSON: true, Turns: []study.Turn{{Role: study.RoleSystem, Text: strings.Repeat("Be \"brief\". ", 100)},
		{Role: study.RoleUser, Text: strings.Repeat("Plants make sugar <from> light & water.\n", 200)}}}
	for name, test := range map[string]struct {
		kind, body string
		onText     func(string)
	}{"plain": {"application/json", plain, nil}, "streamed": {"text/event-stream", stream, func(string) {}}} {
		b.Run(name, func(b *testing.B) {
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", test.kind)
				_, _ = io.WriteString(w, test.body)
			}))
			defer web.Close()
			c := client(b, Options{BaseURL: web.URL, APIKey: keyCanary, Model: "m"})
			b.ReportAllocs()
			for b.Loop() {
				if answer, err := c.Generate(b.Context(), prompt, test.onText); err != nil || answer.Text != text {
					b.Fatal(answer, err)
				}
			}
		})
	}
}
