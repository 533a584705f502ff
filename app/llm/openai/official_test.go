package openai

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"studysharper/loadtest/fakellm"
)

// officialText returns the text that OpenAI's own client reads from the fake's answer to our prompt.
func officialText(t *testing.T, o Options, streamed bool) (text string, tokens int64) {
	t.Helper()
	client := openai.NewClient(option.WithBaseURL(o.BaseURL), option.WithAPIKey(o.APIKey), option.WithMaxRetries(0))
	params := openai.ChatCompletionNewParams{Model: o.Model, Messages: []openai.ChatCompletionMessageParamUnion{
		openai.SystemMessage(prompt().Turns[0].Text), openai.UserMessage(prompt().Turns[1].Text)}}
	if !streamed {
		got, err := client.Chat.Completions.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		return got.Choices[0].Message.Content, got.Usage.TotalTokens
	}
	params.StreamOptions.IncludeUsage = openai.Bool(true)
	var whole openai.ChatCompletionAccumulator
	stream := client.Chat.Completions.NewStreaming(t.Context(), params)
	for stream.Next() {
		whole.AddChunk(stream.Current())
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	return whole.Choices[0].Message.Content, whole.Usage.TotalTokens
}

func TestWeReadWhatTheOfficialClientReads(t *testing.T) {
	for name, said := range map[string]string{
		"words":        words,
		"escapes":      "a \"quoted\" \\ back\\slash / \b\f\n\r\t \x01 <b>&</b> \u2028\u2029 end",
		"no ASCII":     "Zucker für 光合作用 🌱 \U0010FFFF",
		"invalid":      "broken \xff bytes \xe2\x82 here",
		"JSON":         `{"cards":[{"front":"\"a\"","back":"b\n"}]}`,
		"long":         strings.Repeat("Plants make sugar from light. ", 3000),
		"a long word":  strings.Repeat("x", 100_000),
		"data: inside": "one\n\ndata: [DONE]\n\ntwo",
	} {
		both(t, func(t *testing.T, onText func(string)) {
			web := httptest.NewServer(fakellm.New(fakellm.Options{Key: keyCanary,
				Rules: []fakellm.Rule{{Comments: 1}}, Answer: func(fakellm.Request) string { return said }}))
			defer web.Close()
			o := Options{BaseURL: web.URL + "/v1", APIKey: keyCanary, Model: "first"}
			text, tokens := officialText(t, o, onText != nil)
			answer, err := client(t, o).Generate(t.Context(), prompt(), onText)
			if err != nil || answer.Text != text || int64(answer.Tokens) != tokens {
				t.Errorf("%s: we read %q and %d tokens (%v), the official client %q and %d", name, answer.Text, answer.Tokens, err, text, tokens)
			}
			if want := strings.ToValidUTF8(said, "\uFFFD"); name != "invalid" && text != want {
				t.Errorf("%s: the official client reads %q, want %q", name, text, want)
			}
		})
	}
}
