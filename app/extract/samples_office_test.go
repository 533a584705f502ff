package extract

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
)

// formula is one formula in the notations of the formats. Its TeX has no spaces, because same ignores them.
type formula struct{ tex, plain, omml, mathml string }

// mr returns a run of a Word formula.
func mr(text string) string { return `<m:r><w:rPr/><m:t>` + text + `</m:t></m:r>` }

// el returns an element of a Word formula with parts: el("f", "num", …, "den", …).
func el(name string, parts ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<m:%s><m:%sPr><m:ctrlPr/></m:%sPr>", name, name, name)
	for i := 0; i < len(parts); i += 2 {
		fmt.Fprintf(&b, "<m:%s>%s</m:%s>", parts[i], parts[i+1], parts[i])
	}
	return b.String() + "</m:" + name + ">"
}

var formulas = map[string]formula{
	"energy": {`E=mc^2`, "E=mc2", mr("E=m") + el("sSup", "e", mr("c"), "sup", mr("2")), `<mi>E</mi><mo>=</mo><mi>m</mi><msup><mi>c</mi><mn>2</mn></msup>`},
	"roots": {`x=\frac{-b\pm\sqrt{b^2-4ac}}{2a}`, "x=(-b±√(b2-4ac))/2a",
		mr("x=") + el("f", "num", mr("-b±")+el("rad", "deg", "", "e", el("sSup", "e", mr("b"), "sup", mr("2"))+mr("-4ac")), "den", mr("2a")),
		`<mi>x</mi><mo>=</mo><mfrac><mrow><mo>−</mo><mi>b</mi><mo>±</mo><msqrt><msup><mi>b</mi><mn>2</mn></msup><mo>−</mo><mn>4</mn><mi>a</mi><mi>c</mi></msqrt></mrow><mrow><mn>2</mn><mi>a</mi></mrow></mfrac>`},
	"sum": {`\sum_{i=1}^ni^2`, "∑i2",
		`<m:nary><m:naryPr><m:chr m:val="∑"/><m:limLoc m:val="undOvr"/></m:naryPr><m:sub>` + mr("i=1") + `</m:sub><m:sup>` + mr("n") + `</m:sup><m:e>` + el("sSup", "e", mr("i"), "sup", mr("2")) + `</m:e></m:nary>`,
		`<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover><msup><mi>i</mi><mn>2</mn></msup>`},
	"limit": {`\lim_{x\to0}\frac{\sinx}{x}`, "lim sin x / x = 1",
		el("func", "fName", el("limLow", "e", mr("lim"), "lim", mr("x→0")), "e", el("f", "num", el("func", "fName", mr("sin"), "e", mr("x")), "den", mr("x"))),
		`<munder><mi>lim</mi><mrow><mi>x</mi><mo>→</mo><mn>0</mn></mrow></munder><mfrac><mrow><mi>sin</mi><mo>&#8289;</mo><mi>x</mi></mrow><mi>x</mi></mfrac>`},
	"integral": {`\int_0^{\infty}e^{-x}dx=1`, "∫e-xdx=1",
		`<m:nary><m:naryPr/><m:sub>` + mr("0") + `</m:sub><m:sup>` + mr("∞") + `</m:sup><m:e>` + el("sSup", "e", mr("e"), "sup", mr("−x")) + mr("dx=1") + `</m:e></m:nary>`,
		`<msubsup><mo>∫</mo><mn>0</mn><mi>∞</mi></msubsup><msup><mi>e</mi><mrow><mo>−</mo><mi>x</mi></mrow></msup><mi>d</mi><mi>x</mi><mo>=</mo><mn>1</mn>`},
	"accent": {`\hat{x}_i`, "xi",
		el("sSub", "e", `<m:acc><m:accPr><m:chr m:val="&#770;"/></m:accPr><m:e>`+mr("x")+`</m:e></m:acc>`, "sub", mr("i")), `<msub><mover accent="true"><mi>x</mi><mo>^</mo></mover><mi>i</mi></msub>`},
}

func escapeXML(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

// pieces splits a text as word processors do, which start a new run wherever the text was typed or its spelling
// checked.
func pieces(text string) (out []string) {
	runes := []rune(text)
	for len(runes) > 11 {
		out, runes = append(out, string(runes[:11])), runes[11:]
	}
	return append(out, string(runes))
}

// wordRuns returns a text as Word writes it.
func wordRuns(text string) string {
	var b strings.Builder
	for i, s := range pieces(text) {
		if i%3 == 1 {
			b.WriteString(`<w:proofErr w:type="spellStart"/><w:bookmarkStart w:id="0" w:name="_GoBack"/>`)
		}
		s = strings.NewReplacer("\n", `</w:t><w:br/><w:t xml:space="preserve">`, "\u00ad", `</w:t><w:softHyphen/><w:t xml:space="preserve">`).Replace(escapeXML2(s))
		fmt.Fprintf(&b, `<w:r w:rsidR="00A7%02d"><w:rPr><w:lang w:val="en-US"/></w:rPr><w:t xml:space="preserve">%s</w:t></w:r>`, i%100, s)
	}
	return b.String() + `<w:del w:id="1" w:author="A"><w:r><w:delText>deleted words</w:delText></w:r></w:del>`
}

// escapeXML2 is escapeXML without escaping line breaks.
func escapeXML2(s string) string { return strings.ReplaceAll(escapeXML(s), "&#xA;", "\n") }

func sampleDOCX(t testing.TB, s sample) []byte {
	var body, notes strings.Builder
	cited := 1
	paragraph := func(properties, inside string) {
		fmt.Fprintf(&body, `<w:p w14:paraId="1"><w:pPr>%s<w:rPr/></w:pPr>%s</w:p>`, properties, inside)
	}
	lists := 0
	for i, b := range s.blocks {
		if listBegins(s.blocks, i) {
			lists++
		}
		switch b.kind {
		case heading:
			paragraph(fmt.Sprintf(`<w:pStyle w:val="Heading%d"/>`, b.level), wordRuns(b.text))
		case item:
			id := 1
			if b.number > 0 {
				id = 2
			}
			paragraph(`<w:pStyle w:val="ListParagraph"/>`+listed(id, b.level), wordRuns(b.text))
		case rows:
			body.WriteString(`<w:tbl><w:tblPr><w:tblStyle w:val="TableGrid"/></w:tblPr><w:tblGrid><w:gridCol w:w="3000"/></w:tblGrid>`)
			for _, row := range b.rows {
				body.WriteString(`<w:tr w:rsidR="1"><w:trPr/>`)
				for _, cell := range row {
					body.WriteString(`<w:tc><w:tcPr><w:tcW w:w="3000" w:type="dxa"/></w:tcPr>` + `<w:p><w:pPr/>` + wordRuns(cell) + `</w:p></w:tc>`)
				}
				body.WriteString(`</w:tr>`)
			}
			body.WriteString(`</w:tbl>`)
		case pageBreak:
			paragraph("", `<w:r><w:br w:type="page"/></w:r>`)
		default:
			inside := wordRuns(b.text)
			if b.note != "" {
				cited++
				inside += fmt.Sprintf(`<w:r><w:rPr><w:rStyle w:val="FootnoteReference"/></w:rPr><w:footnoteReference w:id="%d"/></w:r>`, cited)
				fmt.Fprintf(&notes, `<w:footnote w:id="%d"><w:p><w:r><w:footnoteRef/></w:r>%s</w:p></w:footnote>`, cited, wordRuns(b.note))
			}
			if math := `<m:oMath>` + formulas[b.tex].omml + `</m:oMath>`; b.shown {
				inside = `<m:oMathPara><m:oMathParaPr><m:jc m:val="center"/></m:oMathParaPr>` + math + `</m:oMathPara>`
			} else if b.tex != "" {
				inside += `<w:r><w:t xml:space="preserve"> </w:t></w:r>` + math
			}
			paragraph("", inside)
		}
	}
	if s.columns {
		body.WriteString(`<w:sectPr><w:cols w:num="2" w:space="708"/></w:sectPr>`)
	}
	styles := ""
	for level := 1; level <= 3; level++ {
		styles += fmt.Sprintf(`<w:style w:type="paragraph" w:styleId="Heading%d"><w:name w:val="heading %d"/><w:basedOn w:val="Normal"/><w:pPr><w:outlineLvl w:val="%d"/></w:pPr></w:style>`, level, level, level-1)
	}
	return docx(t, body.String(), map[string]string{
		"word/styles.xml":    `<w:styles ` + wordNS + `><w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>` + styles + `</w:styles>`,
		"word/numbering.xml": `<w:numbering ` + wordNS + `><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl><w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum><w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/></w:lvl></w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num></w:numbering>`,
		"word/footnotes.xml": `<w:footnotes ` + wordNS + `><w:footnote w:type="separator" w:id="-1"><w:p><w:r><w:separator/></w:r></w:p></w:footnote>` + notes.String() + `</w:footnotes>`,
	})
}

func TestTwelveDocumentsOfWordComeOutAsTheyWentIn(t *testing.T) {
	readSamples(t, "docx", kept{pages: true, footnotes: true}, sampleDOCX)
}

// odtText returns a text as LibreOffice writes it.
func odtText(text string) string {
	var b strings.Builder
	for i, s := range pieces(text) {
		s = strings.ReplaceAll(escapeXML2(s), "\n", "<text:line-break/>")
		if i%2 == 1 {
			s = `<text:span text:style-name="T1">` + s + `</text:span>`
		}
		b.WriteString(s)
	}
	return b.String() + `<text:change-start text:change-id="c1"/><text:change-end text:change-id="c1"/>`
}

func sampleODT(t testing.TB, s sample) []byte {
	var body strings.Builder
	parts := map[string]string{}
	body.WriteString(`<text:tracked-changes><text:changed-region><text:deletion><text:p>deleted words</text:p></text:deletion></text:changed-region></text:tracked-changes><text:sequence-decls/>`)
	if s.columns {
		body.WriteString(`<text:section text:style-name="Sect1" text:name="Columns">`)
	}
	for i, b := range s.blocks {
		if listBegins(s.blocks, i) {
			style := "B"
			if b.number > 0 {
				style = "N"
			}
			fmt.Fprintf(&body, `<text:list xml:id="list%d" text:style-name="%s">`, i, style)
		}
		switch b.kind {
		case heading:
			fmt.Fprintf(&body, `<text:h text:style-name="Heading" text:outline-level="%d"><text:bookmark text:name="x"/>%s</text:h>`, b.level, odtText(b.text))
		case item:
			body.WriteString(strings.Repeat(`<text:list-item><text:list>`, b.level) + `<text:list-item><text:p>` + odtText(b.text) + `</text:p></text:list-item>` + strings.Repeat(`</text:list></text:list-item>`, b.level))
		case rows:
			body.WriteString(`<table:table table:name="T"><table:table-column table:number-columns-repeated="3"/>`)
			for _, row := range b.rows {
				body.WriteString(`<table:table-row>`)
				for _, cell := range row {
					body.WriteString(`<table:table-cell office:value-type="string"><text:p>` + odtText(cell) + `</text:p></table:table-cell>`)
				}
				body.WriteString(`</table:table-row>`)
			}
			body.WriteString(`</table:table>`)
		case pageBreak:
			body.WriteString(`<text:soft-page-break/>`)
		default:
			inside := odtText(b.text)
			if b.note != "" {
				inside += `<text:note text:note-class="footnote"><text:note-citation>1</text:note-citation><text:note-body><text:p>` + odtText(b.note) + `</text:p></text:note-body></text:note>`
			}
			if b.tex != "" {
				display := ""
				if b.shown {
					display = ` display="block"`
				}
				inside += fmt.Sprintf(`<text:s/><draw:frame><draw:object xlink:href="./Object %d"/><draw:image xlink:href="./ObjectReplacements/Object %d"/></draw:frame>`, i, i)
				parts[fmt.Sprintf("Object %d/content.xml", i)] = `<?xml version="1.0" encoding="UTF-8"?><math xmlns="http://www.w3.org/1998/Math/MathML"` + display + `><semantics><mrow>` + formulas[b.tex].mathml + `</mrow><annotation encoding="StarMath 5.0">x</annotation></semantics></math>`
			}
			body.WriteString(`<text:p text:style-name="P1">` + inside + `</text:p>`)
		}
		if listEnds(s.blocks, i) {
			body.WriteString(`</text:list>`)
		}
	}
	if s.columns {
		body.WriteString(`</text:section>`)
	}
	return odt(t, body.String(), parts)
}

func TestTwelveOpenDocumentsComeOutAsTheyWentIn(t *testing.T) {
	readSamples(t, "odt", kept{pages: true, footnotes: true}, sampleODT)
}
