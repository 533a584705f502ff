// Package pdftest writes PDF files for tests: pages with text at given positions.
package pdftest

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Text is a string at a position on a page, in points from the lower left corner. Text outside Latin-1 is drawn with a
// font of 16-bit codes, one glyph per character in the given order: pass right-to-left text reversed.
type Text struct {
	X, Y, Size float64
	S          string
}

// At returns a Text.
func At(x, y, size float64, s string) Text { return Text{x, y, size, s} }

// Lines returns lines of text below each other, beginning at x, y.
func Lines(x, y, size float64, all ...string) (out []Text) {
	for i, s := range all {
		out = append(out, Text{x, y - float64(i)*size*1.2, size, s})
	}
	return out
}

const firstPage = 9 // objects 1 to 8: catalog, pages, Latin font, and five for the wide font

// Make returns a PDF with pages of 612 by 792 points.
func Make(pages ...[]Text) []byte { return MakeSized(612, 792, nil, pages...) }

// MakeSized is Make with a page size, in points, and the bytes of a picture that is added to each page; nil = none.
func MakeSized(width, height int, picture []byte, pages ...[]Text) []byte {
	kids := ""
	for i := range pages {
		kids += fmt.Sprintf("%d 0 R ", firstPage+3*i)
	}
	var astral []rune
	objects := append([]string{"<</Type/Catalog/Pages 2 0 R>>", fmt.Sprintf("<</Type/Pages/Kids[%s]/Count %d>>", kids, len(pages)),
		"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"}, wideFont...)
	for i, p := range pages {
		var s strings.Builder
		for _, t := range p {
			t.draw(&s, &astral)
		}
		if picture != nil {
			s.WriteString("q 50 0 0 50 500 20 cm /I Do Q\n")
		}
		objects = append(objects,
			fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Resources<</Font<</F 3 0 R/W 4 0 R>>/XObject<</I %d 0 R>>>>/Contents %d 0 R>>", width, height, firstPage+3*i+2, firstPage+3*i+1),
			stream("", s.String()), stream(fmt.Sprintf("/Type/XObject/Subtype/Image/Width %d/Height 1/BitsPerComponent 8/ColorSpace/DeviceGray", max(len(picture), 1)), string(picture)))
	}
	objects[6] = stream("", toUnicode(astral))
	return Assemble(objects, "")
}

func stream(entries, content string) string {
	return fmt.Sprintf("<<%s/Length %d>>stream\n%s\nendstream", entries, len(content), content)
}

// privateUse is the code of the first character beyond 16 bits.
const privateUse = 0xe000

// toUnicode returns the map from codes of the wide font to characters.
func toUnicode(astral []rune) string {
	var b strings.Builder
	b.WriteString("/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def 1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfrange <0000> <dfff> <0000> endbfrange\n")
	for i, r := range astral {
		high, low := utf16.EncodeRune(r)
		fmt.Fprintf(&b, "1 beginbfchar <%04x> <%04x%04x> endbfchar\n", privateUse+i, high, low)
	}
	return b.String() + "endcmap end end"
}

// wideFont is a font of 16-bit codes. It is not embedded: programs that extract text need only its widths and its map
// to Unicode.
var wideFont = []string{
	"<</Type/Font/Subtype/Type0/BaseFont/Wide/Encoding/Identity-H/DescendantFonts[5 0 R]/ToUnicode 7 0 R>>",
	"<</Type/Font/Subtype/CIDFontType2/BaseFont/Wide/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor 6 0 R/DW 500/W[11904 65280 1000]>>",
	"<</Type/FontDescriptor/FontName/Wide/Flags 4/FontBBox[0 -200 1000 800]/ItalicAngle 0/Ascent 800/Descent -200/CapHeight 700/StemV 80>>",
	"<<>>", "<<>>",
}

func (t Text) draw(s *strings.Builder, astral *[]rune) {
	if latin, ok := latin1(t.S); ok {
		fmt.Fprintf(s, "BT /F %g Tf %g %g Td (%s) Tj ET\n", t.Size, t.X, t.Y, strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(latin))
		return
	}
	fmt.Fprintf(s, "BT /W %g Tf %g %g Td <", t.Size, t.X, t.Y)
	for _, r := range t.S {
		if r > 0xffff {
			*astral = append(*astral, r)
			r = privateUse + rune(len(*astral)) - 1
		}
		fmt.Fprintf(s, "%04x", r)
	}
	s.WriteString("> Tj ET\n")
}

func latin1(s string) (string, bool) {
	out := make([]byte, 0, utf8.RuneCountInString(s))
	for _, r := range s {
		if r > 0xff || r >= 0x80 && r < 0xa0 {
			return "", false
		}
		out = append(out, byte(r))
	}
	return string(out), true
}

// Assemble returns a PDF file with the objects, numbered from 1, the cross-reference table, and a trailer with more
// entries.
func Assemble(objects []string, more string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	var places []int
	for i, o := range objects {
		places = append(places, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, p := range places {
		fmt.Fprintf(&b, "%010d 00000 n \n", p)
	}
	fmt.Fprintf(&b, "trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, more, table)
	return b.Bytes()
}
