package auth

import (
	"strings"
	"testing"
)

func TestAStudyCodeIsReadAsPeopleWriteIt(t *testing.T) {
	for range 200 {
		code := newStudyCode()
		if len(code) != 35 || strings.Count(code, "-") != 5 || code != strings.ToUpper(code) || strings.ContainsAny(code, "ILOU") {
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

func TestACodeOfTwentyFourCharactersIsStillRead(t *testing.T) {
	before := []byte("K7QPM3XV9T0ZW5BR2D8EHJ4N")
	before = append(before, codeAlphabet[codeCheck(before)])
	if _, ok := readStudyCode(string(before)); !ok {
		t.Errorf("%s opens nothing any more", before)
	}
	if _, ok := readStudyCode(string(before[:23]) + "00"); ok {
		t.Error("a typing error in one is not found")
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
	for i := range codeAlphabet { // 906 expected, with a standard deviation of 30
		if n := used[codeAlphabet[i]]; n < 650 || n > 1150 {
			t.Errorf("%c is used %d times in 29,000", codeAlphabet[i], n)
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
