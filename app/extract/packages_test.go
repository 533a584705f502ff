package extract

import (
	"fmt"
	"maps"
	"strings"
	"testing"
)

const slideNS = `xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`

func box(kind string, paragraphs ...string) string {
	ph := ""
	if kind != "" {
		ph = `<p:ph type="` + kind + `"/>`
	}
	return `<p:sp><p:nvSpPr><p:nvPr>` + ph + `</p:nvPr></p:nvSpPr><p:txBody>` + strings.Join(paragraphs, "") + `</p:txBody></p:sp>`
}

func slideLineOf(properties, text string) string {
	return `<a:p><a:pPr ` + properties + `/><a:r><a:t>` + text + `</a:t></a:r></a:p>`
}

func pptx(t testing.TB, slides, notes []string) []byte {
	t.Helper()
	parts := map[string]string{"[Content_Types].xml": "<Types/>"}
	ids, rels := "", ""
	for i, s := range slides {
		n := len(slides) - i // the parts are numbered in a different order than the slides
		ids += fmt.Sprintf(`<p:sldId id="%d" r:id="rId%d"/>`, 256+i, n)
		rels += fmt.Sprintf(`<Relationship Id="rId%d" Type="http://x/slide" Target="slides/slide%d.xml"/>`, n, n)
		parts[fmt.Sprintf("ppt/slides/slide%d.xml", n)] = `<p:sld ` + slideNS + `><p:cSld><p:spTree>` + s + `</p:spTree></p:cSld></p:sld>`
		if i < len(notes) && notes[i] != "" {
			parts[fmt.Sprintf("ppt/slides/_rels/slide%d.xml.rels", n)] = fmt.Sprintf(`<Relationships><Relationship Id="rId1" Type="http://x/notesSlide" Target="../notesSlides/n%d.xml"/></Relationships>`, n)
			parts[fmt.Sprintf("ppt/notesSlides/n%d.xml", n)] = `<p:notes ` + slideNS + `><p:cSld><p:spTree>` + box("sldNum", slideLineOf("", "7")) + box("body", slideLineOf("", notes[i])) + `</p:spTree></p:cSld></p:notes>`
		}
	}
	parts["ppt/presentation.xml"] = `<p:presentation ` + slideNS + `><p:sldIdLst>` + ids + `</p:sldIdLst></p:presentation>`
	parts["ppt/_rels/presentation.xml.rels"] = `<Relationships>` + rels + `</Relationships>`
	return zipOf(t, parts)
}

func TestSlidesKeepTitlesListsTablesAndNotes(t *testing.T) {
	table := `<p:graphicFrame><a:tbl><a:tr><a:tc><a:txBody>` + slideLineOf("", "k") + `</a:txBody></a:tc><a:tc><a:txBody>` + slideLineOf("", "v") + `</a:txBody></a:tc></a:tr><a:tr><a:tc><a:txBody>` + slideLineOf("", "1") + `</a:txBody></a:tc><a:tc><a:txBody>` + slideLineOf("", "2") + `</a:txBody></a:tc></a:tr></a:tbl></p:graphicFrame>`
	d := read(t, pptx(t, []string{
		box("ctrTitle", slideLineOf("", "Cells")) + box("subTitle", slideLineOf("", "Lecture 1")),
		box("body", slideLineOf("", "Plants"), slideLineOf(`lvl="1"`, "Walls"), `<a:p><a:pPr><a:buAutoNum type="x"/></a:pPr><a:r><a:t>Step</a:t></a:r></a:p>`) + box("title", slideLineOf("", "Kinds")) + box("", slideLineOf("", "A remark")) + box("sldNum", slideLineOf("", "2")) + table,
	}, []string{"", "Say it slowly"}), "pptx")
	is(t, d, `<!-- page 1 -->

## Cells

Lecture 1

<!-- page 2 -->

## Kinds

- Plants
  - Walls
1. Step

A remark

| k | v |
| --- | --- |
| 1 | 2 |

> Notes: Say it slowly`)
	if d.Pages != 2 || d.Title != "Cells" {
		t.Errorf("%+v", d)
	}
}

const odtNS = `xmlns:office="o" xmlns:text="t" xmlns:table="b" xmlns:draw="d" xmlns:xlink="l" xmlns:style="s"`

func odt(t testing.TB, text string, more map[string]string) []byte {
	t.Helper()
	parts := map[string]string{"mimetype": "application/vnd.oasis.opendocument.text", "META-INF/manifest.xml": "<manifest/>",
		"styles.xml":  `<s ` + odtNS + `><text:list-style style:name="N"><text:list-level-style-number text:level="1" style:num-format="1"/></text:list-style></s>`,
		"content.xml": `<office:document-content ` + odtNS + `><office:automatic-styles/><office:body><office:text>` + text + `</office:text></office:body></office:document-content>`}
	maps.Copy(parts, more)
	return zipOf(t, parts)
}

func TestOpenDocumentKeepsItsStructure(t *testing.T) {
	d := read(t, odt(t, `<text:table-of-content><text:p>Cells 1</text:p></text:table-of-content><text:h text:outline-level="2">Cells</text:h>
<text:p>Plants<text:s text:c="3"/>have<text:tab/>walls<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>Of cellulose</text:p></text:note-body></text:note><office:annotation><text:p>no</text:p></office:annotation>.</text:p>
<text:list text:style-name="N"><text:list-item><text:p>first</text:p></text:list-item><text:list-item><text:p>second</text:p><text:list text:style-name="B"><text:list-item><text:p>inner</text:p></text:list-item></text:list></text:list-item></text:list>
<text:soft-page-break/><table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell><table:table-cell><text:p>b</text:p></table:table-cell></table:table-row></table:table>
<text:p>So <draw:frame><draw:object xlink:href="./Object 1"/></draw:frame></text:p>`, map[string]string{
		"Object 1/content.xml": `<math xmlns="m"><semantics><mrow><msqrt><mi>x</mi></msqrt><mo>≤</mo><mn>2</mn></mrow><annotation encoding="StarMath 5.0">sqrt x</annotation></semantics></math>`,
		"meta.xml":             `<m xmlns:dc="d"><dc:title>Cell notes</dc:title></m>`}), "odt")
	is(t, d, "<!-- page 1 -->\n\n## Cells\n\nPlants have walls[^1].\n\n1. first\n2. second\n  - inner\n\n| a | b |\n| --- | --- |\n\n<!-- page 2 -->\n\nSo $\\sqrt{x}\\le 2$\n\n[^1]: Of cellulose")
	if d.Title != "Cell notes" || d.Pages != 2 {
		t.Errorf("%+v", d)
	}
}

func epub(t testing.TB, chapters ...string) []byte {
	t.Helper()
	parts := map[string]string{"mimetype": "application/epub+zip",
		"META-INF/container.xml": `<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>`}
	items, spine := "", ""
	for i, c := range chapters {
		items = fmt.Sprintf(`<item id="c%d" href="text/ch%%20%d.xhtml" media-type="application/xhtml+xml"/>`, i, i) + items
		spine += fmt.Sprintf(`<itemref idref="c%d"/>`, i)
		parts[fmt.Sprintf("OEBPS/text/ch %d.xhtml", i)] = `<?xml version="1.0"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head><title/></head><body>` + c + `</body></html>`
	}
	parts["OEBPS/book.opf"] = `<package><metadata xmlns:dc="d"><dc:title>A book</dc:title></metadata><manifest>` + items + `</manifest><spine>` + spine + `</spine></package>`
	return zipOf(t, parts)
}

func TestBooksAreReadInTheOrderOfTheSpine(t *testing.T) {
	d := read(t, epub(t, `<span epub:type="pagebreak" title="11"></span><h1>One</h1><p>First</p>`, `<h1>Two</h1><p>Second <span role="doc-pagebreak" aria-label="12"/> half</p>`), "epub")
	is(t, d, "<!-- page 11 -->\n\n# One\n\nFirst\n\n# Two\n\nSecond\n\n<!-- page 12 -->\n\nhalf")
	if d.Title != "A book" || d.Pages != 2 {
		t.Errorf("%+v", d)
	}
}
