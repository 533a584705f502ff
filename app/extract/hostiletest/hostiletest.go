// Package hostiletest makes files that harm a careless reader, for tests of the readers and of the process that runs
// them.
package hostiletest

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/zlib"
	"database/sql"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"studysharper/app/extract/pdf/pdftest"
)

// File is a hostile file. It must be refused: as unsupported if Foreign is set, otherwise as unreadable.
type File struct {
	Name    string // with an extension
	Data    []byte
	Foreign bool
	Heavy   bool // only for a process with limits: reading it may need hundreds of megabytes, or minutes
}

// PDF reports whether the file needs the PDF reader.
func (f File) PDF() bool { return bytes.HasPrefix(f.Data, []byte("%PDF-")) }

// Files returns all of them, or only those that are not heavy, because compressing a heavy one is slow with the race
// detector.
func Files(t testing.TB, heavy bool) []File {
	t.Helper()
	files := slices.Concat(archives(t), markup(t), decks(t), pdfs(), foreign(t))
	if heavy {
		return append(files, heavyPDFs()...)
	}
	return slices.DeleteFunc(files, func(f File) bool { return f.Heavy })
}

const (
	laughs  = `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]>`
	outside = `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>`

	word  = `<w:document xmlns:w="w"><w:body>%s</w:body></w:document>`
	text  = `<office:document-content xmlns:office="o" xmlns:text="t"><office:body><office:text>%s</office:text></office:body></office:document-content>`
	slide = `<p:sld xmlns:p="p" xmlns:a="a"><p:sp><a:p><a:r><a:t>%s</a:t></a:r></a:p></p:sp></p:sld>`
)

// formats are minimal files of each format that is an archive: the part with the text, how the text is wrapped, and the
// other parts.
var formats = []struct {
	extension, part, wrap, paragraph string
	rest                             map[string]string
}{
	{"docx", "word/document.xml", word, "<w:p><w:r><w:t>%s</w:t></w:r></w:p>", nil},
	{"odt", "content.xml", text, "<text:p>%s</text:p>", map[string]string{"mimetype": "application/vnd.oasis.opendocument.text"}},
	{"pptx", "ppt/slides/slide1.xml", slide, "%s", map[string]string{"ppt/presentation.xml": `<p xmlns:r="r"><p:sldId r:id="a"/></p>`, "ppt/_rels/presentation.xml.rels": `<r><Relationship Id="a" Target="slides/slide1.xml"/></r>`}},
	{"epub", "b.opf", "<package>%s</package>", "<x>%s</x>", map[string]string{"mimetype": "application/epub+zip", "META-INF/container.xml": `<c><rootfile full-path="b.opf"/></c>`}},
}

// archives returns bombs, and truncated and encrypted files, of every format that is an archive.
func archives(t testing.TB) (all []File) {
	for _, f := range formats {
		with := func(content string) []byte {
			parts := maps.Clone(f.rest)
			if parts == nil {
				parts = map[string]string{}
			}
			parts[f.part] = content
			return Zip(t, parts)
		}
		sound := with(fmt.Sprintf(f.wrap, strings.ReplaceAll(f.paragraph, "%s", "words")))
		entity := func(head, name string) []byte {
			return with(head + fmt.Sprintf(f.wrap, strings.ReplaceAll(f.paragraph, "%s", name)))
		}
		add := func(name string, data []byte) { all = append(all, File{Name: name + "." + f.extension, Data: data}) }
		add("bomb-of-zeros", with(strings.Repeat("\x00", 32<<20)))
		add("bomb-of-elements", with(fmt.Sprintf(f.wrap, strings.Repeat("<x/>", 6<<20))))
		add("bomb-of-one-token", with(`<x a="`+strings.Repeat("y", 20<<20)+`"/>`))
		add("bomb-of-depth", with(strings.Repeat("<x>", 100_000)))
		add("laughs", entity(laughs, "&d;"))
		add("outside-entity", entity(outside, "&x;"))
		add("unclosed", with(strings.Split(fmt.Sprintf(f.wrap, ""), "</")[0]))
		add("truncated", sound[:len(sound)*2/3])
		add("without-end", sound[:len(sound)-22])
		add("encrypted", encryptedZip(sound))
		add("lying-size", lyingZip(sound))
		add("many-parts", manyParts(t, sound))
		add("only-zeros", append(slices.Clone(sound[:30]), make([]byte, 1<<20)...))
	}
	return all
}

// Zip returns an archive; "mimetype" comes first.
func Zip(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	names := slices.Sorted(maps.Keys(parts))
	if _, has := parts["mimetype"]; has {
		names = slices.Insert(slices.DeleteFunc(names, func(n string) bool { return n == "mimetype" }), 0, "mimetype")
	}
	for _, name := range names {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, parts[name])
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

// directory is the signature of an entry in an archive's directory.
const directory = "PK\x01\x02"

// inDirectory changes every entry of an archive's directory.
func inDirectory(file []byte, change func(entry []byte)) []byte {
	out := slices.Clone(file)
	for at := 0; ; at++ {
		next := bytes.Index(out[at:], []byte(directory))
		if next < 0 {
			return out
		}
		at += next
		change(out[at:])
	}
}

func encryptedZip(file []byte) []byte { return inDirectory(file, func(e []byte) { e[8] |= 1 }) }

// lyingZip sets the size of every part to four bytes.
func lyingZip(file []byte) []byte {
	return inDirectory(file, func(e []byte) { copy(e[24:28], "\x04\x00\x00\x00") })
}

func manyParts(t testing.TB, sound []byte) []byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(sound), int64(len(sound)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range r.File {
		if err := z.Copy(f); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 6000 {
		if _, err := z.Create(fmt.Sprintf("x/%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// markup returns files that consist only of structure.
func markup(t testing.TB) []File {
	slides := map[string]string{}
	ids, references := strings.Repeat(`<p:sldId r:id="a"/>`, 100_000), `<r><Relationship Id="a" Target="slides/slide1.xml"/></r>`
	slides["ppt/presentation.xml"], slides["ppt/_rels/presentation.xml.rels"] = `<p xmlns:r="r">`+ids+`</p>`, references
	slides["ppt/slides/slide1.xml"] = fmt.Sprintf(slide, "words")
	pages := strings.Repeat(`<w:p><w:r><w:br w:type="page"/></w:r></w:p>`, 100_000)
	return []File{
		{Name: "100000-slides.pptx", Data: Zip(t, slides)},
		{Name: "100000-pages.docx", Data: Zip(t, map[string]string{"word/document.xml": fmt.Sprintf(word, pages)})},
		{Name: "encrypted-parts.odt", Data: Zip(t, map[string]string{"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "\x01\x02", "META-INF/manifest.xml": "<manifest:manifest><manifest:encryption-data/></manifest:manifest>"})},
		{Name: "encrypted-parts.epub", Data: Zip(t, map[string]string{"mimetype": "application/epub+zip", "META-INF/encryption.xml": `<e><CipherReference URI="a.xhtml"/></e>`})},
		{Name: "encrypted.docx", Data: append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")...)},
		{Name: "only-tags.html", Data: []byte(strings.Repeat("<div><table><tr><td>", 50_000))},
		{Name: "only-quotes.csv", Data: []byte(strings.Repeat("\"\",", 1<<20))},
	}
}

// decks returns Anki decks.
func decks(t testing.TB) []File {
	collection := func(statements ...string) []byte {
		path := filepath.Join(t.TempDir(), "collection.anki2")
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range statements {
			if _, err := db.ExecContext(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	deck := func(name string, data []byte) File {
		return File{Name: name + ".apkg", Data: Zip(t, map[string]string{"collection.anki2": string(data)})}
	}
	endless := deck("endless-view", collection("CREATE VIEW notes AS WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x AS id, 'a' AS flds FROM r"))
	large := deck("large-values", collection("CREATE TABLE notes (id INTEGER PRIMARY KEY)", "INSERT INTO notes (id) VALUES (1), (2), (3)",
		// INSERT and ALTER TABLE would create the values, 2.4 GB.
		"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE notes (id INTEGER PRIMARY KEY, flds TEXT AS (hex(zeroblob(400000000 + id))))'"))
	large.Heavy = true
	sound := collection("CREATE TABLE notes (id INTEGER PRIMARY KEY, flds TEXT)", "INSERT INTO notes VALUES (1, 'a')")
	return []File{endless, large, deck("truncated", sound[:len(sound)/2]), deck("without-notes", collection("CREATE TABLE cards (id INTEGER)")), deck("zeros", make([]byte, 32<<20)),
		{Name: "bomb.apkg", Data: Zip(t, map[string]string{"collection.anki21b": "\x28\xb5\x2f\xfd" + strings.Repeat("\xff", 100)})}}
}

// hostilePDF returns a PDF file with these objects after the catalogue.
func hostilePDF(objects ...string) []byte {
	return pdftest.Assemble(append([]string{catalogue}, objects...), "")
}

const catalogue = "<</Type/Catalog/Pages 2 0 R>>"

// heavyPDFs returns files that expand to hundreds of megabytes.
func heavyPDFs() []File {
	return []File{
		{Name: "bomb-of-operators.pdf", Heavy: true, Data: hostilePDF("<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>", deflated(strings.Repeat("q ", 32<<20)))},
		{Name: "bomb-of-filters.pdf", Heavy: true, Data: hostilePDF("<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>", deflated(strings.Repeat("\x00", 256<<20)))},
	}
}

// pdfs returns hostile PDF files.
func pdfs() []File {
	sound := pdftest.Make(pdftest.Lines(72, 700, 12, "Words"))
	prev := bytes.Replace(pdftest.Assemble([]string{catalogue}, "/Prev 9"), []byte("/Prev 9"), []byte("/Prev 60"), 1)
	encrypt := pdftest.Assemble([]string{catalogue, "<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R>>"},
		"/ID[<00><00>]/Encrypt<</Filter/Standard/V 2/R 3/Length 128/P -4/O<"+strings.Repeat("11", 32)+">/U<"+strings.Repeat("22", 32)+">>>")
	return []File{
		{Name: "truncated.pdf", Data: sound[:len(sound)/3]},
		{Name: "header.pdf", Data: []byte("%PDF-1.7\n")},
		{Name: "zeros.pdf", Data: append([]byte("%PDF-1.4\n"), make([]byte, 4<<20)...)},
		{Name: "loop-of-pages.pdf", Data: hostilePDF("<</Type/Pages/Kids[2 0 R]/Count 1>>")},
		{Name: "loop-of-tables.pdf", Data: prev},
		{Name: "loop-of-lengths.pdf", Data: hostilePDF("<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R/Contents 4 0 R>>", "<</Length 4 0 R>>stream\nx\nendstream")},
		{Name: "100000-pages.pdf", Data: hostilePDF("<</Type/Pages/Kids["+strings.Repeat("3 0 R ", 100_000)+"]/Count 100000>>", "<</Type/Page/Parent 2 0 R>>")},
		{Name: "encrypted.pdf", Data: encrypt},
		{Name: "deep.pdf", Data: hostilePDF(strings.Repeat("[", 200_000))},
		{Name: "scan.pdf", Data: pdftest.Make(nil, nil)},
	}
}

func deflated(content string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = io.WriteString(w, content) // writing to memory cannot fail
	_ = w.Close()
	return fmt.Sprintf("<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream", b.Len(), b.String())
}

// foreign returns files of other kinds, some with the name of a supported format.
func foreign(t testing.TB) []File {
	all := []File{
		{Name: "image.docx", Data: []byte("\x89PNG\r\n\x1a\n0000")}, {Name: "image.pdf", Data: []byte("\xff\xd8\xff\xe0 JFIF")}, {Name: "rich.docx", Data: []byte(`{\rtf1 words}`)},
		{Name: "old.doc", Data: []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1WordDocument")}, {Name: "compressed.txt", Data: []byte("\x1f\x8b\x08\x00words")}, {Name: "program.txt", Data: append([]byte("\x7fELF"), bytes.Repeat([]byte{0, 1, 2, 3, 250}, 1000)...)},
		{Name: "sheet.xlsx", Data: Zip(t, map[string]string{"xl/workbook.xml": "<x/>"})}, {Name: "other.zip", Data: Zip(t, map[string]string{"a.txt": "words"})},
	}
	for i := range all {
		all[i].Foreign = true
	}
	for _, extension := range []string{"docx", "pptx", "odt", "epub", "apkg", "pdf"} { // text with the name of another format
		all = append(all, File{Name: "text." + extension, Data: []byte("nothing but words")})
	}
	return all
}
