package openai

import (
	"encoding/json"
	"strings"
	"testing"
)

// awkward are JSON strings that are hard to decode.
var awkward = []string{
	`""`, `"plain"`, `"\""`, `"\\"`, `"\/\b\f\n\r\t"`, `"a\u00e9b"`, `"\uD83C\uDF31"`, `"\ud83c"`, `"\ud83c\ud83c\udf31"`, `"\udf31x"`,
	`"\ud83c\n"`, `"\ud83cdf31"`, "\"\xff\"", "\"a\xe2\x82b\xff\xfec\"", "\"\xed\xa0\x80\"", `"光合作用 🌱"`, "\"\u2028\"", `"\u0000"`, `"\uFFFD"`,
}

func TestQuotedIsReadAsTheStandardLibraryReadsIt(t *testing.T) {
	for _, value := range awkward {
		var want string
		if err := json.Unmarshal([]byte(value), &want); err != nil {
			t.Fatal(err)
		}
		for room := range len(want) + 2 {
			var b strings.Builder
			b.WriteString("before")
			ok := jsonString(value).appendTo(&b, room)
			if fits := room >= len(want); ok != fits || ok && b.String() != "before"+want || !ok && b.String() != "before" {
				t.Errorf("%s with room for %d bytes: %v, %q", value, room, ok, b.String())
			}
		}
		if q := jsonString(value); q.isEmpty() != (want == "") || q.equals("plain") != (want == "plain") {
			t.Errorf("%s: empty %v, plain %v", value, q.isEmpty(), q.equals("plain"))
		}
	}
}

func TestQuotedTakesStringsAndNothingElse(t *testing.T) {
	for _, value := range []string{`"x"`, `null`, `1`, `true`, `{}`, `[]`, `["x"]`} {
		var c struct {
			Content jsonString `json:"content"`
		}
		err := json.Unmarshal([]byte(`{"content":`+value+`}`), &c)
		if err != nil {
			t.Errorf("%s: %v", value, err)
		}
		if c.Content.isEmpty() != (value != `"x"`) {
			t.Errorf("%s is read as %s", value, c.Content)
		}
	}
}

func FuzzQuoted(f *testing.F) {
	for _, value := range awkward {
		f.Add([]byte(value))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		var want string
		var got jsonString
		if json.Unmarshal(value, &want) != nil || json.Unmarshal(value, &got) != nil {
			return
		}
		var b strings.Builder
		if !got.appendTo(&b, len(want)) || b.String() != want {
			t.Errorf("%s is %q, want %q", value, b.String(), want)
		}
		if want != "" && got.appendTo(&b, len(want)-1) {
			t.Errorf("%s fits where it does not", value)
		}
	})
}

func BenchmarkQuoted(b *testing.B) {
	for name, text := range map[string]string{"token": " light", "aid": strings.Repeat("a line of a card, \"quoted\"\n", 400)} {
		value, _ := json.Marshal(text)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(value)))
			b.ReportAllocs()
			for b.Loop() {
				var out strings.Builder
				jsonString(value).appendTo(&out, 1<<20)
			}
		})
	}
}
