package extract

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"studysharper/app/study"
)

// zipOf returns an archive of parts; "mimetype" comes first and uncompressed, as EPUB and OpenDocument require.
func zipOf(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	names := slices.SortedFunc(maps.Keys(parts), func(a, b string) int {
		if (a == "mimetype") != (b == "mimetype") {
			if a == "mimetype" {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		method := zip.Deflate
		if name == "mimetype" {
			method = zip.Store
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = w.Write([]byte(parts[name]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// read reads a valid file.
func read(t *testing.T, data []byte, extension string) Document {
	t.Helper()
	d, err := Read(data, Options{Extension: extension, MaxPages: 2000})
	if err != nil {
		t.Fatalf("%s: %v", extension, err)
	}
	return d
}

// is compares Markdown with the expected text and shows where they differ.
func is(t *testing.T, d Document, want string) {
	t.Helper()
	got, want := strings.TrimSpace(d.Markdown), strings.TrimSpace(want)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func utf16Text(s string, bigEndian bool) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + s)) {
		if bigEndian {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return out
}

func TestTextIsReadInItsEncoding(t *testing.T) {
	const greek = "Ωμέγα — «naïve» café\nשלום 光合作用"
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"UTF-8":                   {[]byte(greek), greek},
		"UTF-8 with a mark":       {[]byte("\ufeff" + greek), greek},
		"UTF-16, little-endian":   {utf16Text(greek, false), greek},
		"UTF-16, big-endian":      {utf16Text(greek, true), greek},
		"UTF-16 without a mark":   {utf16Text("plain words", false)[2:], "plain words"},
		"Windows-1252":            {[]byte("caf\xe9 \x96 \x93na\xefve\x94 \x80 5"), "café – “naïve” € 5"},
		"Latin-1":                 {[]byte("Gr\xfc\xdfe aus K\xf6ln"), "Grüße aus Köln"},
		"line ends of all makers": {[]byte("a\r\nb\rc\nd"), "a\nb\nc\nd"},
		"a cut last character":    {[]byte("photosynth\xc3"), "photosynth"},
	} {
		d, err := Read(c.data, Options{Extension: "txt"})
		if got := strings.TrimRight(strings.TrimSpace(d.Markdown), "Ã"); err != nil || got != c.want {
			t.Errorf("%s: got %q, %v; want %q", name, d.Markdown, err, c.want)
		}
	}
}

func TestMarkdownKeepsItsStructure(t *testing.T) {
	d := read(t, []byte("---\ntitle: \"Cells\"\ntags: [bio]\n---\n# Cells\n\n- a\n  - b\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n$E=mc^2$\n"), "md")
	is(t, d, "# Cells\n\n- a\n  - b\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n$E=mc^2$")
	if d.Title != "Cells" || d.Format != "markdown" || d.Words == 0 {
		t.Errorf("%+v", d)
	}
}

func TestRowsOfTwoColumnsAreCardsAndOthersATable(t *testing.T) {
	cards := read(t, []byte("Question,Answer\n\"What is a cell, then?\",\"The unit\nof life\"\nOsmosis,Water through a membrane\n"), "csv")
	is(t, cards, "- What is a cell, then? :: The unit of life\n- Osmosis :: Water through a membrane")
	is(t, read(t, []byte("England;London\nFrance;Paris\n"), "csv"), "- England :: London\n- France :: Paris")
	is(t, read(t, []byte("a|b\tx\nc\ty\n"), "tsv"), "- a|b :: x\n- c :: y")
	table := read(t, []byte("Planet,Moons,Rings\nEarth,1,no\nSaturn,\"145, or more\",a|b\n,,\n"), "csv")
	is(t, table, "| Planet | Moons | Rings |\n| --- | --- | --- |\n| Earth | 1 | no |\n| Saturn | 145, or more | a\\|b |")
}

func TestPagesBecomeMarkdown(t *testing.T) {
	d := read(t, []byte(`<!DOCTYPE html><html><head><title>Photo &amp; synthesis</title><style>p{}</style></head><body><nav><a href="/">Home</a></nav>
<h1>Light</h1><p>Plants use <b>light</b>, see <a href="https://example.org/x">this</a> and <a href="#y">that</a>.</p>
<ul><li>one<ul><li>inner</li></ul></li><li>two</li></ul><ol><li>first</li></ol>
<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2_3</td></tr></table>
<p>Energy $E_{k}=\frac{1}{2}mv_1^2$ and \(x_1 \le y_2\); it costs $5 or $6.</p>
<p><math display="block"><mfrac><mi>a</mi><msup><mi>b</mi><mn>2</mn></msup></mfrac></math></p>
<script>alert(1)</script><!-- hidden --><pre><code>x := $a_1$</code></pre></body></html>`), "html")
	is(t, d, "# Light\n\nPlants use **light**, see [this](https://example.org/x) and that.\n\n- one\n\n  - inner\n- two\n\n1. first\n\n| a | b    |\n|---|------|\n| 1 | 2\\_3 |\n\n"+
		"Energy $E_{k}=\\frac{1}{2}mv_1^2$ and $x_1 \\le y_2$; it costs $5 or $6.\n\n$$\\frac{a}{b^2}$$\n\n```\nx := $a_1$\n```")
	if d.Title != "Photo & synthesis" {
		t.Errorf("title %q", d.Title)
	}
}

const wordNS = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"`

func docx(t testing.TB, body string, more map[string]string) []byte {
	t.Helper()
	parts := map[string]string{
		"[Content_Types].xml": "<Types/>",
		"word/document.xml":   `<?xml version="1.0" encoding="UTF-8"?><w:document ` + wordNS + `><w:body>` + body + `<w:sectPr/></w:body></w:document>`,
		"word/styles.xml": `<w:styles ` + wordNS + `><w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/><w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>
			<w:style w:styleId="Mine"><w:name w:val="My heading"/><w:basedOn w:val="Two"/></w:style><w:style w:styleId="Two"><w:name w:val="heading 2"/></w:style>
			<w:style w:styleId="Verzeichnis1"><w:name w:val="toc 1"/></w:style><w:style w:styleId="L"><w:name w:val="List Bullet"/><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style></w:styles>`,
		"word/numbering.xml": `<w:numbering ` + wordNS + `><w:abstractNum w:abstractNumId="7"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl><w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>
			<w:abstractNum w:abstractNumId="8"><w:lvl w:ilvl="0"><w:start w:val="3"/><w:numFmt w:val="decimal"/></w:lvl></w:abstractNum>
			<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="8"/></w:num></w:numbering>`,
	}
	maps.Copy(parts, more)
	return zipOf(t, parts)
}

// par returns a Word paragraph with properties.
func par(properties, text string) string {
	return `<w:p><w:pPr>` + properties + `</w:pPr><w:r><w:t xml:space="preserve">` + text + `</w:t></w:r></w:p>`
}

func listed(id, depth int) string {
	return fmt.Sprintf(`<w:numPr><w:ilvl w:val="%d"/><w:numId w:val="%d"/></w:numPr>`, depth, id)
}

func TestWordKeepsHeadingsListsTablesNotesAndFormulas(t *testing.T) {
	body := par(`<w:pStyle w:val="Verzeichnis1"/>`, "Cells 1") + par(`<w:pStyle w:val="berschrift1"/>`, "Cells") + par(`<w:pStyle w:val="Mine"/>`, "Walls &amp; more") +
		`<w:p><w:r><w:t>Plants</w:t></w:r><w:r><w:tab/><w:t>have walls</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:t>. Soft&#xad;ware</w:t></w:r></w:p>` +
		par(listed(1, 0), "one") + par(listed(1, 1), "inner") + par(`<w:pStyle w:val="L"/>`, "two") + par(listed(2, 0), "third") + par(listed(2, 0), "fourth") + par("", "") +
		`<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="2"/></w:tcPr>` + par("", "both") + `</w:tc><w:tc>` + par("", "c") + `</w:tc></w:tr><w:tr><w:tc>` + par("", "1") + par("", "x") + `</w:tc><w:tc>` + par("", "2|") + `</w:tc><w:tc>` + par("", "3") + `</w:tc></w:tr></w:tbl>` +
		`<w:p><w:r><w:t xml:space="preserve">Energy </w:t></w:r><m:oMath><m:r><m:t>E=</m:t></m:r><m:f><m:num><m:r><m:t>1</m:t></m:r></m:num><m:den><m:sSup><m:e><m:r><m:t>α</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:den></m:f></m:oMath></w:p>` +
		`<w:p><m:oMathPara><m:oMath><m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub><m:r><m:t>i=1</m:t></m:r></m:sub><m:sup><m:r><m:t>n</m:t></m:r></m:sup><m:e><m:rad><m:deg/><m:e><m:r><m:t>x</m:t></m:r></m:e></m:rad></m:e></m:nary></m:oMath></m:oMathPara></w:p>`
	d := read(t, docx(t, body, map[string]string{
		"word/footnotes.xml": `<w:footnotes ` + wordNS + `><w:footnote w:id="0" w:type="separator"><w:p/></w:footnote><w:footnote w:id="2">` + par("", " Of cellulose.") + `</w:footnote></w:footnotes>`,
		"docProps/core.xml":  `<cp:coreProperties xmlns:dc="d" xmlns:cp="c"><dc:title>The cell</dc:title></cp:coreProperties>`,
	}), "docx")
	is(t, d, `# Cells

## Walls & more

Plants have walls[^1]. Software

- one
  - inner
- two
3. third
4. fourth

| both |  | c |
| --- | --- | --- |
| 1 x | 2\| | 3 |

Energy $E=\frac{1}{\alpha ^2}$

$$\sum_{i=1}^n \sqrt{x}$$

[^1]: Of cellulose.`)
	if d.Title != "The cell" || d.Format != "docx" {
		t.Errorf("%+v", d)
	}
}

func TestWordKeepsPageNumbers(t *testing.T) {
	d := read(t, docx(t, par("", "first")+`<w:p><w:r><w:br w:type="page"/></w:r></w:p><w:p><w:r><w:lastRenderedPageBreak/><w:t>second</w:t></w:r></w:p>`, nil), "docx")
	is(t, d, "<!-- page 1 -->\n\nfirst\n\n<!-- page 2 -->\n\nsecond")
	if d.Pages != 2 {
		t.Errorf("%d pages", d.Pages)
	}
}

func TestAnkiTextBecomesCards(t *testing.T) {
	d := read(t, []byte("#separator:tab\n#html:true\n#guid column:1\n#deck column:2\n#tags column:5\nabc\tBio\tWhat is <b>ATP</b>?\t\"Energy<br>carrier &amp; more [sound:x.mp3]\"\ttag\n"+
		"def\tBio\tThe {{c1::mitochondrion::organelle}} makes {{c2::ATP}}\t\t\nghi\tBio\t\"\\(x^2\\)\"\t<anki-mathjax>y</anki-mathjax>\t\n"), "txt")
	is(t, d, "- What is ATP? :: Energy carrier & more\n- The [organelle] makes ATP :: mitochondrion\n- The mitochondrion makes […] :: ATP\n- $x^2$ :: $y$")
}

// TestOtherFilesAreRefusedWithAWordThatHelps checks files that must be refused, with their code and a helpful word of
// the message.
func TestOtherFilesAreRefusedWithAWordThatHelps(t *testing.T) {
	for name, c := range map[string]struct {
		data      []byte
		extension string
		code      study.Code
		says      string
	}{
		"nothing":           {nil, "pdf", study.CodeInvalid, "empty"},
		"only spaces":       {[]byte("  \n\n"), "txt", study.CodeInvalid, "empty"},
		"only signs":        {[]byte("... --- ..."), "txt", study.CodeInvalid, "no text"},
		"bytes":             {[]byte("\x00\x01\x02\x03\x04\x05\x06\x07"), "", study.CodeUnsupported, "PDF, DOCX"},
		"an empty document": {docx(t, "", nil), "docx", study.CodeInvalid, "no text"},
	} {
		_, err := Read(c.data, Options{Extension: c.extension, MaxPages: 2000})
		if e := study.AsError(err); err == nil || e.Code != c.code || !strings.Contains(e.Message, c.says) {
			t.Errorf("%s: got %v; want %s with %q", name, err, c.code, c.says)
		}
	}
}

func TestTextBeyondANoteIsCutAndSaidSo(t *testing.T) {
	d := read(t, []byte(strings.Repeat("word ", 300_000)), "txt")
	if len(d.Markdown) > maxText || len(d.Markdown) < maxText-100 || len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], "1 MiB") {
		t.Errorf("%d bytes, %q", len(d.Markdown), d.Warnings)
	}
	slides := make([]string, 400)
	for i := range slides {
		slides[i] = box("body", slideLineOf("", strings.Repeat("many words ", 400)))
	}
	d = read(t, pptx(t, slides, nil), "pptx")
	if len(d.Markdown) > maxText || len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], "of 400") {
		t.Errorf("%d bytes, %q", len(d.Markdown), d.Warnings)
	}
}
