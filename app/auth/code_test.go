package auth

import (
	"strings"
	"testing"
)

func TestAStudyCodeIsReadAsPeopleWriteIt(t *testing.T) {
	for range 200 {
		code := newStudyCode()
		if len(code) != 29 || strings.Count(code, "-") != 4 || code != strings.ToUpper(code) || strings.ContainsAny(code, "ILOU") {
			t.Fatalf("a code of %d characters: %s", len(code), code)
		}
		want, ok := readStudyCode(code)
		if !ok || want != strings.ReplaceAll(code, "-", "") {
			t.Fatalf("read %q, %v of %s", want, ok, code)
		}
		for name, written := range map[string]string{
			"small":             strings.ToLower(code),
			"without hyphens":   want,
			"with spaces":       "  " + strings.ReplaceAll(code, "-", " - ") + "\r\n",
			"with l and o":      strings.NewReplacer("1", "l", "0", "o").Replace(code),
			"with capital I, O": strings.NewReplacer("1", "I", "0", "O").Replace(code),
		} {
			if got, ok := readStudyCode(written); !ok || got != want {
				t.Errorf("%s: %q, %v of %q", name, got, ok, written)
			}
		}
	}
}

func TestATypingErrorInAStudyCodeIsFound(t *testing.T) {
	code, _ := readStudyCode(newStudyCode())
	for i := range code {
		for _, c := range codeAlphabet {
			if wrong := code[:i] + string(c) + code[i+1:]; wrong != code {
				if _, ok := readStudyCode(wrong); ok {
					t.Errorf("%s is taken for %s", wrong, code)
				}
			}
		}
		for j := range i {
			b := []byte(code)
			b[i], b[j] = b[j], b[i]
			if _, ok := readStudyCode(string(b)); ok && string(b) != code {
				t.Errorf("%s is taken for %s", b, code)
			}
		}
	}
	for _, text := range []string{"", "-", code[1:], code + "0", code + code, strings.Repeat(" ", maxCodeBytes) + code, strings.Replace(code, code[:1], "é", 1), strings.Replace(code, code[:1], "U", 1)} {
		if _, ok := readStudyCode(text); ok {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestStudyCodesDiffer(t *testing.T) {
	seen := map[string]bool{}
	var used [256]int
	for range 1000 {
		code, _ := readStudyCode(newStudyCode())
		if seen[code] {
			t.Fatalf("%s twice", code)
		}
		seen[code] = true
		for i := range codeRandom {
			used[code[i]]++
		}
	}
	for i := range codeAlphabet { // 750 expected, with a standard deviation of 27
		if n := used[codeAlphabet[i]]; n < 500 || n > 1000 {
			t.Errorf("%c is used %d times in 24,000", codeAlphabet[i], n)
		}
	}
}

func FuzzReadStudyCode(f *testing.F) {
	f.Add("K7QPM-3XV9T-0ZW5B-R2D8E-HJ4NC")
	f.Fuzz(func(t *testing.T, text string) {
		code, ok := readStudyCode(text)
		if !ok {
			return
		}
		if again, ok := readStudyCode(code); !ok || again != code || len(code) != codeRandom+1 {
			t.Errorf("%q is read as %q, and that as %q, %v", text, code, again, ok)
		}
	})
}
