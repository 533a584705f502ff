package extract

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"studysharper/app/study"
)

// parts are where a fuzzed part of an archive goes, by the number of its format.
var fuzzed = []struct {
	extension, part string
	rest            map[string]string
}{
	{"docx", "word/document.xml", nil},
	{"docx", "word/styles.xml", map[string]string{"word/document.xml": `<w:document><w:body><w:p><w:pPr><w:pStyle w:val="a"/></w:pPr><w:r><w:t>x</w:t></w:r></w:p></w:body></w:document>`}},
	{"docx", "word/numbering.xml", map[string]string{"word/document.xml": `<w:document><w:body><w:p><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>x</w:t></w:r></w:p></w:body></w:document>`}},
	{"odt", "content.xml", map[string]string{"mimetype": "application/vnd.oasis.opendocument.text"}},
	{"pptx", "ppt/slides/slide1.xml", map[string]string{"ppt/presentation.xml": `<p><p:sldId r:id="a"/></p>`, "ppt/_rels/presentation.xml.rels": `<r><Relationship Id="a" Target="slides/slide1.xml"/></r>`}},
	{"epub", "a.xhtml", map[string]string{"mimetype": "application/epub+zip", "META-INF/container.xml": `<c><rootfile full-path="b.opf"/></c>`, "b.opf": `<p><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/><itemref idref="a"/></p>`}},
	{"apkg", "collection.anki2", nil},
	{"apkg", "collection.anki21b", nil},
	{"html", "", nil}, {"csv", "", nil}, {"txt", "", nil}, {"md", "", nil}, {"", "", nil},
}

// FuzzRead reads files of all formats that have one fuzzed part each: an archive with a fuzzed checksum would not be opened.
func FuzzRead(f *testing.F) {
	for i, file := range [][]byte{docx(f, par("", "x"), nil), docx(f, par("", "x"), nil), docx(f, par("", "x"), nil), odt(f, "<text:p>x</text:p>", nil), pptx(f, []string{box("title", slideLineOf("", "x"))}, nil), epub(f, "<p>x</p>")} {
		r, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range r.File {
			if strings.HasSuffix(part.Name, fuzzed[i].part) || strings.HasSuffix(part.Name, ".xhtml") {
				in, err := part.Open()
				if err != nil {
					f.Fatal(err)
				}
				data, _ := io.ReadAll(in)
				f.Add(uint8(i), data)
			}
		}
	}
	f.Add(uint8(6), collection(f, "a\x1fb"))
	f.Add(uint8(7), []byte(packed(f, collection(f, "a\x1fb"))))
	f.Add(uint8(8), []byte(`<table><tr><td>a<ul><li>$x$<math><mfrac><mi>a</mi></mfrac></math>`))
	f.Add(uint8(9), []byte("a,\"b\nc\";d\n"))
	f.Add(uint8(10), []byte("#separator:tab\n#html:true\na\t{{c1::b::c}}\n"))
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		k := fuzzed[int(kind)%len(fuzzed)]
		if k.part != "" {
			parts := map[string]string{k.part: string(data)}
			for name, content := range k.rest {
				parts[name] = content
			}
			data = zipOf(t, parts)
		}
		d, err := Read(data, Options{Extension: k.extension, MaxPages: 10})
		if err != nil {
			if code := study.AsError(err).Code; code != study.CodeInvalid && code != study.CodeUnsupported && code != study.CodeUnavailable {
				t.Error(err)
			}
			return
		}
		if !utf8.ValidString(d.Markdown) || len(d.Markdown) > maxText || strings.ContainsRune(d.Markdown, 0) {
			t.Errorf("%d bytes of %s, valid: %v", len(d.Markdown), d.Format, utf8.ValidString(d.Markdown))
		}
	})
}
