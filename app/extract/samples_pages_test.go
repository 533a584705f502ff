package extract

import (
	"fmt"
	"strings"
	"testing"
)

// slideRuns returns a text as PowerPoint writes it.
func slideRuns(text string) string {
	var b strings.Builder
	for i, s := range pieces(text) {
		s = strings.ReplaceAll(escapeXML2(s), "\n", `</a:t></a:r><a:br><a:rPr lang="en-US"/></a:br><a:r><a:t>`)
		fmt.Fprintf(&b, `<a:r><a:rPr lang="en-US" dirty="%d"/><a:t>%s</a:t></a:r>`, i%2, s)
	}
	return b.String() + `<a:endParaRPr lang="en-US"/>`
}

// slideShape returns a block as a shape of a slide.
func slideShape(b block) string {
	switch b.kind {
	case heading:
		return box("title", `<a:p>`+slideRuns(b.text)+`</a:p>`)
	case item:
		bullet := `<a:buFont typeface="Arial"/>`
		if b.number > 0 {
			bullet = `<a:buAutoNum type="arabicPeriod"/>`
		}
		return fmt.Sprintf(`<a:p><a:pPr marL="342900" lvl="%d">%s</a:pPr>%s</a:p>`, b.level, bullet, slideRuns(b.text))
	case rows:
		var t strings.Builder
		t.WriteString(`<p:graphicFrame><a:graphic><a:graphicData uri="table"><a:tbl><a:tblPr firstRow="1"/><a:tblGrid><a:gridCol w="1"/></a:tblGrid>`)
		for _, row := range b.rows {
			t.WriteString(`<a:tr h="370840">`)
			for _, cell := range row {
				t.WriteString(`<a:tc><a:txBody><a:bodyPr/><a:lstStyle/><a:p>` + slideRuns(cell) + `</a:p></a:txBody><a:tcPr/></a:tc>`)
			}
			t.WriteString(`</a:tr>`)
		}
		return t.String() + `</a:tbl></a:graphicData></a:graphic></p:graphicFrame>`
	default:
		inside := ""
		if b.text != "" {
			inside = slideRuns(b.text)
		}
		if b.tex != "" {
			inside += `<a:r><a:t> </a:t></a:r><mc:AlternateContent><mc:Choice Requires="a14"><a14:m><m:oMathPara><m:oMath>` + strings.ReplaceAll(formulas[b.tex].omml, "<w:rPr/>", "<a:rPr/>") + `</m:oMath></m:oMathPara></a14:m></mc:Choice><mc:Fallback><a:r><a:t>a picture</a:t></a:r></mc:Fallback></mc:AlternateContent>`
		}
		return box("", `<a:p>`+inside+`</a:p>`)
	}
}

// samplePPTX makes one slide per heading.
func samplePPTX(t testing.TB, s sample) []byte {
	var slides, notes []string
	for i, b := range s.blocks {
		if b.kind == pageBreak {
			continue
		}
		if b.kind == heading {
			slides, notes = append(slides, ""), append(notes, "")
		}
		last := len(slides) - 1
		shape := slideShape(b)
		if listBegins(s.blocks, i) {
			shape = `<p:sp><p:nvSpPr><p:cNvPr id="3" name="Content"/><p:nvPr><p:ph idx="1"/></p:nvPr></p:nvSpPr><p:txBody><a:bodyPr/>` + shape
		}
		if listEnds(s.blocks, i) {
			shape += `</p:txBody></p:sp>`
		}
		slides[last] += shape
		if b.note != "" {
			notes[last] = escapeXML(b.note)
		}
	}
	return pptx(t, slides, notes)
}

func TestTwelvePresentationsComeOutAsTheyWentIn(t *testing.T) {
	readSamples(t, "pptx", kept{slides: true, pages: true}, samplePPTX)
}

// htmlText returns a text as web page editors write it.
func htmlText(text string) string {
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\n", "<br />\n", "\u00ad", "&shy;", "\u00a0", "&nbsp;", "–", "&ndash;").Replace(text)
	return strings.Replace(text, " ", "\n    ", 1) + `<span class="x"></span><!-- a remark -->`
}

// htmlBody returns a sample as the body of a page.
func htmlBody(s sample) string {
	var body strings.Builder
	page := 0
	turn := func() {
		page++
		fmt.Fprintf(&body, `<span epub:type="pagebreak" role="doc-pagebreak" id="p%d" title="%d"></span>`+"\n", page, page)
	}
	if s.hasPages() {
		turn()
	}
	for i, b := range s.blocks {
		list := "ul"
		if b.number > 0 {
			list = "ol"
		}
		if listBegins(s.blocks, i) {
			fmt.Fprintf(&body, "<%s>\n", list)
		}
		switch b.kind {
		case heading:
			fmt.Fprintf(&body, "<h%d id=\"a\">%s</h%d>\n", b.level, htmlText(b.text), b.level)
		case item:
			if b.level > 0 && s.blocks[i-1].level < b.level {
				body.WriteString("<ul>\n")
			}
			body.WriteString("<li>" + htmlText(b.text))
			switch { // the item stays open for the list in it
			case i+1 < len(s.blocks) && s.blocks[i+1].level > b.level && s.blocks[i+1].kind == item:
				body.WriteString("\n")
			case b.level > 0 && (i+1 == len(s.blocks) || s.blocks[i+1].level < b.level || s.blocks[i+1].kind != item):
				body.WriteString("</li>\n</ul>\n</li>\n")
			default:
				body.WriteString("</li>\n")
			}
		case rows:
			body.WriteString("<table>\n<tbody>\n")
			for _, row := range b.rows {
				body.WriteString("<tr>\n")
				for _, cell := range row {
					body.WriteString("<td>" + htmlText(cell) + "</td>\n")
				}
				body.WriteString("</tr>\n")
			}
			body.WriteString("</tbody>\n</table>\n")
		case pageBreak:
			turn()
		default:
			body.WriteString("<p>" + htmlText(b.text))
			display := "inline"
			if b.shown {
				display = "block"
			}
			if b.tex != "" {
				fmt.Fprintf(&body, ` <math xmlns="http://www.w3.org/1998/Math/MathML" display="%s"><mrow>%s</mrow></math>`, display, formulas[b.tex].mathml)
			}
			body.WriteString("</p>\n")
		}
		if listEnds(s.blocks, i) {
			fmt.Fprintf(&body, "</%s>\n", list)
		}
	}
	if s.columns {
		return `<div style="column-count: 2">` + body.String() + `</div>`
	}
	return body.String()
}

func sampleHTML(_ testing.TB, s sample) []byte {
	return []byte("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>A page</title>\n<style>p { margin: 0 }</style>\n<script>var x = '<p>no</p>';</script>\n</head>\n<body>\n<nav><ul><li>Home</li></ul></nav>\n" +
		htmlBody(s) + "</body>\n</html>\n")
}

func TestTwelvePagesComeOutAsTheyWentIn(t *testing.T) {
	readSamples(t, "html", kept{pages: true}, sampleHTML)
}

// sampleEPUB makes one chapter of each part between page breaks.
func sampleEPUB(t testing.TB, s sample) []byte {
	var chapters []string
	rest := htmlBody(s)
	if s.columns {
		return epub(t, rest)
	}
	const mark = `<span epub:type="pagebreak"`
	for rest != "" {
		next := strings.Index(rest[1:], mark)
		if next < 0 {
			next = len(rest) - 1
		}
		chapters = append(chapters, strings.ReplaceAll(rest[:next+1], "&nbsp;", "&#160;"))
		rest = rest[next+1:]
	}
	return epub(t, chapters...)
}

func TestTwelveBooksComeOutAsTheyWentIn(t *testing.T) {
	readSamples(t, "epub", kept{pages: true}, sampleEPUB)
}
