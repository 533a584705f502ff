package attempt

import (
	"strings"
	"testing"
)

func TestShortAnswersMatchAsTheyAreRead(t *testing.T) {
	for _, c := range []struct {
		answer, accepted string
		want             bool
	}{
		{"Mitochondria", "mitochondria", true},
		{" the  MITOCHONDRION. ", "Mitochondrion", true},
		{"mitocondria", "mitochondria", false},
		{"not the mitochondria", "mitochondria", false},
		{"the mitochondria, I think", "mitochondria", false},
		{"", "mitochondria", false},
		{"?!", "mitochondria", false},
		{"?", "!", false}, // neither says anything
		{"Café", "cafe", true},
		{"Strasse", "Straße", true},
		{"l'eau", "eau", true},
		{"L’Eau", "l'eau", true},
		{"eine Zelle", "die Zelle", true},
		{"los árboles", "Arboles", true},
		{"Newton’s second law", "newton's second law", true},
		{"Newtons second law", "Newton's second law", true},
		{"well-known", "well known", true},
		{"wellknown", "well known", false},
		{"vitamin A", "vitamin", false},
		{"A", "a", true},
		{"the", "a", false},
		{"東京 タワー", "東京タワー", true},
		{"東京", "京都", false},
		{"кальций", "Кальций", true},
		{"ﬁbre", "fibre", true},

		{"3,14", "3.14", true},
		{"3.1400", "3,14", true},
		{"3.140", "3140", true}, // three digits are thousands
		{"3.14", "3.41", false},
		{"1 000", "1000", true},
		{"1,000", "1 000", true},
		{"1.000.000", "1,000,000", true},
		{"1 234 567,5", "1,234,567.50", true},
		{"1'000 m", "1000m", true},
		{"0.125", "0,125", true},
		{"0.125", "125", false},
		{"007", "7", true},
		{"0", "0.0", true},
		{"-5", "5", false},
		{"−5", "-5", true},
		{"- 5", "5", true}, // a bullet
		{"50%", "50 %", true},
		{"50%", "50", false},
		{"5km", "5 km", true},
		{"1914-1918", "1914–1918", true},
		{"12 345", "12 346", false},
		{"1 000 2 000", "1000 2000", true},

		{"H₂O", "h2o", true},
		{"H2O2", "H2O", false},
		{"C++", "C", false},
		{"c#", "C#", true},
		{"Na+", "Na", false},
		{"Cl-", "Cl−", true},
		{"Cl-", "Cl", false},
		{"x < 3", "x > 3", false},
		{"x<3", "x < 3", true},
		{"$x^2$", "x^2", true},
		{"x^2", "x^3", false},
		{"2 × 3", "2*3", true},
		{"a/b", `$a/b$`, true},
		{"**bold**", "bold", true},
		{"bold!", "bold", true},
		{"5!", "5", false},
	} {
		if got := matches(c.answer, []string{"another", c.accepted}); got != c.want {
			t.Errorf("%q for %q: %v (%q, %q)", c.answer, c.accepted, got, normalize(c.answer), normalize(c.accepted))
		}
	}
}

// FuzzNormalize checks that every answer matches itself, and that no text causes an endless loop or a panic.
func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"l'eau", "1 000,5", "Cl-", "東京", "\xff", "1.", "'", "a'", "0,000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 4*MaxAnswerRunes {
			return
		}
		tokens := normalize(s)
		if matches(s, []string{s}) != (len(tokens) > 0) {
			t.Errorf("%q does not match itself: %q", s, tokens)
		}
		for _, token := range tokens {
			if strings.TrimSpace(token) != token {
				t.Errorf("%q in %q", token, s)
			}
		}
	})
}
