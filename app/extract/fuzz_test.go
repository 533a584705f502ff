package extract

import (
	"archive/zip"
	"bytes"
	"io"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"studysharper/app/study"
)

// fuzzParts fuzzes one of the named parts of an archive; fuzzing the archive itself would break its checksums. The
// seeds are the parts of a valid file, whose other parts stay unchanged.
func fuzzParts(f *testing.F, extension string, sound []byte, names ...string) {
	f.Helper()
	r, err := zip.NewReader(bytes.NewReader(sound), int64(len(sound)))
	if err != nil {
		f.Fatal(err)
	}
	rest := map[string]string{}
	for _, part := range r.File {
		in, err := part.Open()
		if err != nil {
			f.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			f.Fatal(err)
		}
		rest[part.Name] = string(data)
	}
	for i, name := range names {
		f.Add(uint8(i), []byte(rest[name]))
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		parts := maps.Clone(rest)
		parts[names[int(which)%len(names)]] = string(data)
		readFuzzed(t, zipOf(t, parts), extension)
	})
}

// fuzzText fuzzes whole files.
func fuzzText(f *testing.F, extension string, seeds ...string) {
	f.Helper()
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { readFuzzed(t, data, extension) })
}

// readFuzzed requires valid Markdown, or an error that says what is wrong with the file.
func readFuzzed(t *testing.T, data []byte, extension string) {
	d, err := Read(data, Options{Extension: extension, MaxPages: 10})
	if err != nil {
		if code := study.AsError(err).Code; code != study.CodeInvalid && code != study.CodeUnsupported && code != study.CodeUnavailable {
			t.Error(err)
		}
		return
	}
	if !utf8.ValidString(d.Markdown) || len(d.Markdown) > maxText || strings.ContainsRune(d.Markdown, 0) || !utf8.ValidString(d.Title) {
		t.Errorf("%d bytes of %s, valid: %v; title %q", len(d.Markdown), d.Format, utf8.ValidString(d.Markdown), d.Title)
	}
}

func FuzzDOCX(f *testing.F) {
	body := par(`<w:pStyle w:val="berschrift1"/>`, "Cells") + par(listed(1, 1), "one") + par(listed(2, 0), "two") +
		`<w:p><w:r><w:t>Walls</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r><m:oMath><m:f><m:num><m:r><m:t>1</m:t></m:r></m:num><m:den/></m:f></m:oMath></w:p>` +
		`<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="2"/></w:tcPr>` + par("", "a") + `</w:tc></w:tr></w:tbl>`
	sound := docx(f, body, map[string]string{
		"word/footnotes.xml": `<w:footnotes ` + wordNS + `><w:footnote w:id="2">` + par("", "Of cellulose.") + `</w:footnote></w:footnotes>`,
		"docProps/core.xml":  `<c xmlns:dc="d"><dc:title>The cell</dc:title></c>`})
	fuzzParts(f, "docx", sound, "word/document.xml", "word/styles.xml", "word/numbering.xml", "word/footnotes.xml", "docProps/core.xml")
}

func FuzzPPTX(f *testing.F) {
	sound := pptx(f, []string{box("title", slideLineOf("", "x")) + box("body", slideLineOf(`lvl="1"`, "y"))}, []string{"say it"})
	fuzzParts(f, "pptx", sound, "ppt/slides/slide1.xml", "ppt/notesSlides/n1.xml", "ppt/presentation.xml", "ppt/_rels/presentation.xml.rels", "ppt/slides/_rels/slide1.xml.rels")
}

func FuzzODT(f *testing.F) {
	sound := odt(f, `<text:h text:outline-level="2">Cells</text:h><text:list text:style-name="N"><text:list-item><text:p>x<text:note><text:note-body><text:p>n</text:p></text:note-body></text:note></text:p></text:list-item></text:list>`+
		`<table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell></table:table-row></table:table><text:p><draw:object xlink:href="./Object 1"/></text:p>`,
		map[string]string{"Object 1/content.xml": `<math><mfrac><mi>x</mi><mn>2</mn></mfrac></math>`, "meta.xml": `<m xmlns:dc="d"><dc:title>x</dc:title></m>`})
	fuzzParts(f, "odt", sound, "content.xml", "styles.xml", "Object 1/content.xml", "meta.xml", "META-INF/manifest.xml")
}

func FuzzEPUB(f *testing.F) {
	sound := epub(f, `<h1>One</h1><p>First <math><mi>x</mi></math></p>`, `<table><tr><td>a</td><td>b</td></tr></table><ul><li>c</li></ul>`)
	fuzzParts(f, "epub", sound, "OEBPS/text/ch 0.xhtml", "OEBPS/text/ch 1.xhtml", "OEBPS/book.opf", "META-INF/container.xml")
}

func FuzzAPKG(f *testing.F) {
	sound := zipOf(f, map[string]string{"collection.anki2": string(collection(f, "What is <b>ATP</b>?\x1fEnergy", "The {{c1::nucleus::part}} holds genes\x1f"))})
	fuzzParts(f, "apkg", sound, "collection.anki2")
}

func FuzzPackedAPKG(f *testing.F) {
	sound := zipOf(f, map[string]string{"collection.anki21b": packed(f, collection(f, "a\x1fb"))})
	fuzzParts(f, "apkg", sound, "collection.anki21b")
}

func FuzzHTML(f *testing.F) {
	fuzzText(f, "html", `<table><tr><td>a<ul><li>$x$<math><mfrac><mi>a</mi></mfrac></math>`, `<h1 hidden>x</h1><p>\(a_1\) costs $5<pre><code>x`, `<math><mtable><mtr><mtd><mo>(</mo>`, "<svg><math><p></svg><select><table>")
}

func FuzzCSV(f *testing.F) {
	fuzzText(f, "csv", "a,\"b\nc\";d\n", "Question,Answer\n1,2\n", "a|b|c\n\n\"\"\"|\"x")
}

func FuzzAnkiText(f *testing.F) {
	fuzzText(f, "txt", "#separator:tab\n#html:true\na\t{{c1::b::c}}\n", "#separator:|\n#tags column:2\n#deck:x\na|b|<style>x</style>\\(x\\)\n", "#html:false\n\"a\t")
}

func FuzzText(f *testing.F) {
	fuzzText(f, "", "plain words", "---\ntitle: x\n---\n# y\n", "\xff\xfea\x00b\x00", "%PDF-1.4 no", "PK\x03\x04", "\x81\x82")
}

func FuzzMarkdown(f *testing.F) {
	fuzzText(f, "md", "---\ntitle: x\n---\n# y\n\n- a\n", "---\n...", "# **x**\n<!-- page 1 -->")
}
