package validate

import (
	"strings"
	"testing"
)

func TestStreamedWordsGoOutWholeInAnyScript(t *testing.T) {
	for _, text := range []string{
		"A spicy example: niggardly, Scunthorpe, assess.",
		strings.Repeat("光合作用", 200), strings.Repeat("x", 1000), "", "ends in a word", " \n ",
	} {
		var told []string
		g := &StreamFilter{Emit: func(s string) { told = append(told, s) }, Stop: func(error) { t.Errorf("%q was stopped", text) }}
		for _, b := range []byte(text) { // even in the middle of a character
			g.Write(string([]byte{b}))
		}
		g.Flush()
		if strings.Join(told, "") != text {
			t.Errorf("%q became %q", text, told)
		}
		for _, s := range told {
			if !strings.ContainsRune(s, '\ufffd') && strings.ToValidUTF8(s, "") != s {
				t.Errorf("a character was cut in two: %q", s)
			}
		}
	}
}
