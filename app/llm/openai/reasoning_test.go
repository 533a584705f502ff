package openai

import (
	"strings"
	"testing"
)

// reasoned maps texts of models to the part that is the answer.
var reasoned = map[string]string{
	"answer":                                   "answer",
	"<think>hm</think>answer":                  "answer",
	"<think>\nhm\n</think>\n\nanswer":          "answer",
	"\n <THINKING>hm</THINKING> answer":        "answer",
	"<thought>a</thought><think>b</think>c":    "c",
	"<think></think>\n\nanswer":                "answer",
	"<think>a </thin </think>b":                "b",
	"<think>never ends":                        "",
	" answer with its spaces ":                 " answer with its spaces ",
	"<thinly> sliced":                          "<thinly> sliced",
	"<thi":                                     "<thi",
	"Write <think>x</think> around it.":        "Write <think>x</think> around it.",
	"hm, so\n</think>\n\nanswer":               "answer",
	"hm</think>\nanswer":                       "answer",
	"a\n</think>\nb\n</think>\nc":              "c",
	"The tag </think> closes it.":              "The tag </think> closes it.",
	`{"question":"What does </think> close?"}`: `{"question":"What does </think> close?"}`,
	"<":   "<",
	"</":  "</",
	"   ": "   ",
	"":    "",
}

func TestReasoningIsTakenOffHoweverItIsCut(t *testing.T) {
	for text, want := range reasoned {
		for size := 1; size <= len(text)+1; size++ {
			var f reasoningFilter
			var got strings.Builder
			for rest := text; rest != ""; {
				n := min(size, len(rest))
				got.WriteString(f.add(rest[:n]))
				rest = rest[n:]
			}
			got.WriteString(f.finish())
			if answer := withoutUntagged(got.String()); answer != want {
				t.Errorf("%q in pieces of %d is %q, want %q", text, size, answer, want)
			}
		}
	}
}

func FuzzReasoning(f *testing.F) {
	for text := range reasoned {
		f.Add(text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, size int) {
		var whole, cut reasoningFilter
		want := whole.add(text) + whole.finish()
		got, rest, size := "", text, max(1, size)
		for rest != "" {
			n := min(size, len(rest))
			got += cut.add(rest[:n])
			rest = rest[n:]
		}
		if got += cut.finish(); got != want || len(got) > len(text) {
			t.Errorf("in pieces of %d: %q, at once %q", size, got, want)
		}
		_ = withoutUntagged(text)
	})
}

func TestChunksArePiecesOrTheWholeTextSoFar(t *testing.T) {
	for _, test := range []struct {
		chunks []string
		want   string
	}{
		{[]string{"one ", "two ", "three"}, "one two three"},
		{[]string{"one two ", "one two three ", "one two three four"}, "one two three four"},
		{[]string{"o", "one ", "one two", "one two"}, "one two"},
		{[]string{"ha", "haha", "!"}, "hahaha!"},
		{[]string{"ha", "ha", "ha"}, "hahaha"},
		{[]string{"ha", "haha"}, "hahaha"},
		{[]string{"", "好", "好的", "。"}, "好好的。"},
		{[]string{"one two ", "one two three", " four"}, "one two three four"},
		{nil, ""},
	} {
		var j deltaJoiner
		got := ""
		for _, chunk := range test.chunks {
			got += j.add(chunk)
		}
		if got += j.finish(); got != test.want {
			t.Errorf("%q: %q, want %q", test.chunks, got, test.want)
		}
	}
}
