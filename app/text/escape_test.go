package text

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAUnicodeEscapeIsDecodedAsJSONDoes(t *testing.T) {
	for escaped, want := range map[string]struct {
		r    rune
		size int
	}{
		`\u0041x`: {'A', 6}, `\u00e9`: {'é', 6}, `\uD83D\uDE00!`: {'😀', 12}, `\ud83d`: {utf8.RuneError, 6}, `\ud83d\n`: {utf8.RuneError, 6},
		`\ud83d\u0041`: {utf8.RuneError, 6}, `\ude00\ud83d`: {utf8.RuneError, 6},
		`\u004`: {utf8.RuneError, 0}, `\u00g0`: {utf8.RuneError, 0}, `\n`: {utf8.RuneError, 0}, ``: {utf8.RuneError, 0}, `u0041`: {utf8.RuneError, 0},
	} {
		if r, size := UnicodeEscape(escaped); r != want.r || size != want.size {
			t.Errorf("%s: %q, %d", escaped, r, size)
		}
		if r, size := UnicodeEscape([]byte(escaped)); r != want.r || size != want.size {
			t.Errorf("%s as bytes: %q, %d", escaped, r, size)
		}
	}
}

func FuzzUnicodeEscape(f *testing.F) {
	f.Add(`\u0041`)
	f.Add(`\ud83d\ude00`)
	f.Add(`\ud83d\ud83d`)
	f.Fuzz(func(t *testing.T, s string) {
		r, size := UnicodeEscape(s)
		if size == 0 {
			return
		}
		var decoded string
		if err := json.Unmarshal([]byte(`"`+s[:size]+`"`), &decoded); err != nil || decoded != string(r) {
			t.Errorf("%s: %q, encoding/json reads %q, %v", s, r, decoded, err)
		}
	})
}

func TestOnlyTheFirstHalfOfAPairIsAHighSurrogate(t *testing.T) {
	for escaped, want := range map[string]bool{`\ud83d`: true, `\uDBFF`: true, `\ude00`: false, `\u0041`: false, `\ud83`: false, `xud83d`: false} {
		if IsHighSurrogate(escaped) != want || IsHighSurrogate([]byte(strings.ToUpper(escaped[:1])+escaped[1:])) != want {
			t.Errorf("%s: want %v", escaped, want)
		}
	}
}
