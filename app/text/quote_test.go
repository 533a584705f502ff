package text

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAQuoteIsFoundSpacesCaseAndMarkupApart(t *testing.T) {
	for _, c := range []struct{ text, quote, want string }{
		{"The leaf is green. Chlorophyll reflects green light.", "chlorophyll  REFLECTS\ngreen light", "Chlorophyll reflects green light"},
		{"The leaf is green.", "The leaf is green.", "The leaf is green."},
		{"The leaf is green, mostly.", "The leaf is green.", "The leaf is green"},
		{"A **cell** is the *smallest* unit.", "A cell is the smallest unit", "A **cell** is the *smallest* unit"},
		{"See [the cell](https://example.org/a_b) and <b>its wall</b> &c.", "the cell and its wall", "the cell](https://example.org/a_b) and <b>its wall"},
		{"photo-\nsynthesis makes sugar", "photosynthesis makes", "photo-\nsynthesis makes"},
		{"Où est l’école ? Là-bas.", "Ou est l'ecole", "Où est l’école"},
		{"cafe\u0301 noir", "un café", ""},
		{"un cafe\u0301", "un café", "un cafe\u0301"},
		{"The ﬁnal eﬀect", "the final effect", "The ﬁnal eﬀect"}, //nolint:misspell // ligatures
		{"植物は光合成を行う。水が必要です。", "光合成を行う", "光合成を行う"},
		{"in reaction is heat", "ion is heat", ""},
		{"in reaction is heat, an ion is heat too", "ion is heat", "ion is heat"},
		{"It is -5 °C there.", "-5 °C", "-5 °C"},
		{"E = mc² (1905)", "E = mc²", "E = mc²"},
		{"x", "…", ""}, {"", "x", ""}, {"abc", "", ""}, {"abc", "abcd", ""}, {"½ of it", "½", "½"},
		{"<b", "b", "b"}, {"a ](", "a", "a"},
	} {
		got, ok := NewQuoteIndex(c.text).Find(c.quote)
		if ok != (c.want != "") || ok && c.text[got.From:got.To] != c.want {
			t.Errorf("%q in %q: %v %+v %q", c.quote, c.text, ok, got, c.text[got.From:got.To])
		}
	}
}

func TestAQuoteIsLocatedInCodePoints(t *testing.T) {
	before := strings.Repeat("Ähnliches über 植物 <i>und</i> mehr.\n", 400)
	s := before + "Die Mitose teilt den Zellkern." + before
	got, ok := NewQuoteIndex(s).Find("die mitose teilt den zellkern.")
	if want := utf8.RuneCountInString(before); !ok || got.Start != want || got.End != want+30 || got.From != len(before) {
		t.Errorf("%v %+v, want from %d", ok, got, want)
	}
}

func FuzzQuoteIndex(f *testing.F) {
	for _, s := range []string{"A **cell** <b>is</b> one.", "ﬁ ½ e\u0301 植物", "](x) <", "\xff a", "İstanbul ß Œ"} {
		f.Add(s, 1, 9)
	}
	f.Fuzz(func(t *testing.T, s string, from, to int) {
		x := NewQuoteIndex(s)
		quote := s[min(max(from, 0), len(s)):]
		quote = quote[:min(max(to, 0), len(quote))]
		got, ok := x.Find(quote)
		if !ok {
			return
		}
		if got.From < 0 || got.To > len(s) || got.From > got.To || utf8.RuneCountInString(s[:got.From]) != got.Start || utf8.RuneCountInString(s[:got.To]) != got.End {
			t.Fatalf("%+v of %d bytes", got, len(s))
		}
		if foldQuote(s[got.From:got.To]) != foldQuote(quote) {
			t.Fatalf("%q for %q", s[got.From:got.To], quote)
		}
	})
}
