package passages

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// sentences returns at least n bytes of text without paragraphs.
func sentences(n int) string {
	return strings.Repeat("The ribosome reads the messenger and joins amino acids. ", n/55+1)
}

func TestPassagesAreSlicesOfTheirText(t *testing.T) {
	for name, s := range map[string]string{
		"one word":           "ribosome",
		"sentences":          sentences(10_000),
		"paragraphs":         strings.Repeat(sentences(300)+"\n\n", 40),
		"one word of 10,000": strings.Repeat("a", 10_000),
		"Chinese":            strings.Repeat("植物通过光合作用制造氧气。", 500),
		"headings":           strings.Repeat("# Cells\n\n"+sentences(500)+"\n\n", 20),
		"pages":              strings.Repeat("<!-- page 1 -->\n\n"+sentences(700)+"\n", 20),
		"wide spaces":        strings.Repeat("\u3000\n\t ", 900) + "end",
		"not UTF-8":          strings.Repeat("a\xff\n", 3000),
	} {
		t.Run(name, func(t *testing.T) { checkSplit(t, s) })
	}
}

// checkSplit checks the documented properties of Split.
func checkSplit(t *testing.T, s string) {
	t.Helper()
	runes := []rune(s)
	covered := 0
	list := Split(s)
	for i, p := range list {
		if n := utf8.RuneCountInString(p.Text); n != p.End-p.Start || n > MaxRunes || n == 0 {
			t.Fatalf("passage %d has %d characters at %d to %d", i, n, p.Start, p.End)
		}
		if p.Start < covered || p.End > len(runes) || utf8.ValidString(s) && string(runes[p.Start:p.End]) != p.Text {
			t.Fatalf("passage %d is not at %d to %d of the text", i, p.Start, p.End)
		}
		checkLeftOut(t, string(runes[covered:p.Start]))
		covered = p.End
	}
	checkLeftOut(t, string(runes[covered:]))
}

// checkLeftOut fails if there is text between passages other than white space and page marks.
func checkLeftOut(t *testing.T, s string) {
	t.Helper()
	for line := range strings.Lines(s) {
		if strings.TrimFunc(line, unicode.IsSpace) != "" && pageOf(line) == 0 {
			t.Fatalf("%q is in no passage", line)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("# A\n\ntext\n<!-- page 2 -->\n\nmore")
	f.Add("```\n# no heading\n```\nA\n===\n")
	f.Fuzz(func(t *testing.T, s string) {
		checkSplit(t, s)
		checkSplit(t, strings.Repeat(s, 50))
	})
}

func TestPassagesEndWhereTheTextPauses(t *testing.T) {
	section := "## Meiosis\n\n" + sentences(900)
	list := Split("# Mitosis\n\n" + sentences(900) + "\n\n" + section)
	if len(list) != 2 || list[0].Section != "Mitosis" || list[1].Section != "Meiosis" {
		t.Fatalf("not one passage a section: %+v", list)
	}
	for i, p := range Split(sentences(20_000)) {
		if !strings.HasSuffix(p.Text, ".") || p.Section != "" {
			t.Errorf("passage %d ends %q", i, p.Text[len(p.Text)-20:])
		}
	}
	for _, p := range Split(strings.Repeat(sentences(400)+"\n\n", 10))[:3] {
		if n := p.End - p.Start; n < MinRunes || !strings.Contains(p.Text, "\n\n") {
			t.Errorf("%d characters, although paragraphs fit together", n)
		}
	}
}

func TestAPassageKnowsItsPlace(t *testing.T) {
	long := sentences(850)
	list := Split("<!-- page 3 -->\n\n# Cells\n\n" + long + "\n\n<!-- slide 4 -->\n\n" + long + "\n<!-- page 5 -->\n\n## Ribosomes\n\n" + long)
	want := []struct {
		section string
		page    int
	}{{"Cells", 3}, {"Cells", 4}, {"Ribosomes", 5}}
	if len(list) != len(want) {
		t.Fatalf("%d passages, want %d", len(list), len(want))
	}
	for i, w := range want {
		if section, page := list[i].Place(utf8.RuneCountInString(list[i].Text)); section != w.section || page != w.page {
			t.Errorf("passage %d ends in section %q, page %d; want %v", i, section, page, w)
		}
	}
	if list[0].Page != 3 || list[0].Section != "Cells" {
		t.Errorf("it begins in section %q, page %d", list[0].Section, list[0].Page)
	}
}

func TestHeadings(t *testing.T) {
	for text, want := range map[string]string{
		"# Cell division\n\nA cell":                  "Cell division",
		"Cell division\n=====\nA cell":               "Cell division",
		"The **Cell**\n\nA cell divides in phases.":  "The Cell",
		"```\n# a comment\n```\nA cell":              "",
		"#hashtag\n\nA cell":                         "",
		"A sentence of its own ends here.\n\nA cell": "",
	} {
		list := Split(text + " divides. " + sentences(100))
		if got, _ := list[0].Place(len(text)); got != want {
			t.Errorf("%q: section %q, want %q", text, got, want)
		}
	}
}
