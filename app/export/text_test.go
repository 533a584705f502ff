package export

import (
	"encoding/csv"
	"encoding/json"
	"mime"
	"strings"
	"testing"
	"unicode/utf8"

	"studysharper/app/study"
)

func TestTextsBecomeHTML(t *testing.T) {
	for text, want := range map[string]string{
		"a < b & c":                   "a &lt; b &amp; c",
		"one\r\ntwo\n\nthree":         "one<br>two<br><br>three",
		"$x^2$ and $$\\sum x$$":       `\(x^2\) and \[\sum x\]`,
		`\(a<b\) and \[c\]`:           `\(a&lt;b\) and \[c\]`,
		"$5 and $10":                  "$5 and $10",
		"costs $5-$10":                "costs $5-$10",
		"$ x $ and 3$":                "$ x $ and 3$",
		`$\$5$ is a price`:            `\(\$5\) is a price`,
		"**bold** and 2 ** 3 ** 4":    "<b>bold</b> and 2 ** 3 ** 4",
		"`a<b` and ` and ``":          "<code>a&lt;b</code> and <code> and </code>`",
		"**a $x*y$ b**":               `<b>a \(x*y\) b</b>`,
		`\frac{1}{2} \( open $ alone`: `\frac{1}{2} \( open $ alone`,
		"":                            "",
		"日本 $x$":                      `日本 \(x\)`,
	} {
		if got := htmlOf(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzHTML(f *testing.F) {
	for _, s := range []string{"$x$", "**a**", "`c`", `\(x\)`, "$$a$$ $5", "a\n<b>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := htmlOf(s)
		for _, tag := range []string{"<b>", "</b>", "<code>", "</code>", "<br>"} {
			got = strings.ReplaceAll(got, tag, "")
		}
		if strings.ContainsAny(got, "<>\"") {
			t.Errorf("%q leaves %q", s, got)
		}
	})
}

func TestCSVIsReadBackAndRunsNothing(t *testing.T) {
	text := string(written(t, deck(t), CSV))
	if strings.Count(text, "\r\n") != strings.Count(text, "\n") {
		t.Errorf("%q", text)
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 4 {
		t.Fatalf("%v, %v", rows, err)
	}
	if rows[1][1] != "Energy\nof the cell" || rows[2][1] != `'=HYPERLINK("x")` || rows[3][1] != "-5" || rows[3][5] != "3" || rows[1][5] != "c1" {
		t.Errorf("%q", rows)
	}
	for cell, want := range map[string]string{"=1+1": "'=1+1", "+1+cmd|' /C calc'!A0": "'+1+cmd|' /C calc'!A0", "-1": "-1", "+3.5e2": "+3.5e2", "-x": "'-x",
		"@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "＝1+1": "'＝1+1", "a=b": "a=b", "": "", "'=1": "'=1"} {
		if got := guardFormula(cell); got != want {
			t.Errorf("%q: %q", cell, got)
		}
	}
}

func TestTSVHasAnkisHeaderAndTheSameGuids(t *testing.T) {
	c := deck(t)
	lines := strings.Split(strings.TrimSpace(string(written(t, c, TSV))), "\n")
	header, records := lines[:7], lines[7:]
	for _, want := range []string{"#separator:tab", "#html:true", "#deck:Zellen: A: B", "#tags column:4", "#guid column:5", "#notetype:StudySharper"} {
		if !strings.Contains(strings.Join(header, "\n")+"\n", want+"\n") {
			t.Errorf("%q is missing in %q", want, header)
		}
	}
	r := csv.NewReader(strings.NewReader(strings.Join(records, "\n")))
	r.Comma, r.Comment = '\t', '#'
	rows, err := r.ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%q, %v", rows, err)
	}
	for i, n := range readAPKG(t, written(t, c, APKG)) {
		if rows[i][4] != n.guid || rows[i][0] != n.fields[0] || rows[i][1] != n.fields[1] || rows[i][3] != strings.TrimSpace(n.tags) {
			t.Errorf("%q is not %+v", rows[i], n)
		}
	}
}

func TestJSONHoldsTheAidAsItIsKept(t *testing.T) {
	c := deck(t)
	var got struct {
		ID    string          `json:"id"`
		Title string          `json:"title"`
		Data  json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(written(t, c, JSON), &got); err != nil {
		t.Fatal(err)
	}
	var want, have any
	if json.Unmarshal(c.Data, &want) != nil || json.Unmarshal(got.Data, &have) != nil || got.ID != c.ID || got.Title != c.Title {
		t.Errorf("%+v", got)
	}
}

func TestFilesHaveNamesForPeopleOnEverySystem(t *testing.T) {
	for title, want := range map[string]string{
		"Cell biology":              "Cell biology.apkg",
		"../../etc/passwd":          "etc-passwd.apkg",
		"a/b\\c:d*e?f\"g<h>i|j":     "a-b-c-defghi-j.apkg",
		"CON":                       "flashcards CON.apkg",
		"com1.txt":                  "flashcards com1.txt.apkg",
		"  . ":                      "flashcards.apkg",
		"":                          "flashcards.apkg",
		"Größe\x00\u202egpj":        "Größegpj.apkg",
		"日本語 \n 第1課":                "日本語 第1課.apkg",
		strings.Repeat("long ", 99): strings.TrimSpace(strings.Repeat("long ", 16)) + ".apkg",
	} {
		if got := Name(study.Content{Type: study.Flashcards, Title: title}, APKG); got != want {
			t.Errorf("%q: got %q, want %q", title, got, want)
		}
	}
}

func TestDispositionIsReadByEveryClient(t *testing.T) {
	for name, ascii := range map[string]string{"Zellen größer.apkg": "Zellen grosser.apkg", "日本語.csv": "export.csv", "100% a'b.md": "100_ a'b.md", "Cells (1).md": "Cells (1).md"} {
		header := Disposition(name)
		for i := range len(header) {
			if header[i] < ' ' || header[i] > '~' {
				t.Fatalf("%q is not ASCII", header)
			}
		}
		kind, params, err := mime.ParseMediaType(header)
		if err != nil || kind != "attachment" || params["filename"] != name || !strings.Contains(header, `filename="`+ascii+`"`) {
			t.Errorf("%q: %v, %v", header, params, err)
		}
	}
}

func FuzzFileName(f *testing.F) {
	f.Add("a/b")
	f.Add("..")
	f.Fuzz(func(t *testing.T, title string) {
		name := Name(study.Content{Type: study.Quiz, Title: title}, GIFT)
		if !utf8.ValidString(name) || strings.ContainsAny(name, "/\\:*?\"<>|\x00\r\n") || strings.HasPrefix(name, ".") || len(name) > 4*maxName+20 {
			t.Errorf("%q: %q", title, name)
		}
		if _, params, err := mime.ParseMediaType(Disposition(name)); err != nil || params["filename"] != name {
			t.Errorf("%q: %q, %v", name, params, err)
		}
	})
}

func TestEveryTypeHasItsFormats(t *testing.T) {
	for kind, want := range map[study.Type]string{study.Flashcards: "apkg, tsv, csv, md or json", study.Quiz: "gift, md or json", study.Exam: "gift, md or json",
		study.Summary: "md or json", study.Analysis: "md or json", study.Plan: "md or json"} {
		_, err := CheckFormat(kind, "pdf")
		if !study.IsCode(err, study.CodeInvalid) || !strings.HasSuffix(err.Error(), "format: must be "+want) {
			t.Errorf("%s: %v", kind, err)
		}
		for _, f := range Formats(kind) {
			if got, err := CheckFormat(kind, string(f)); err != nil || got != f || f.MediaType() == "" {
				t.Errorf("%s %s: %v", kind, f, err)
			}
		}
	}
}
