package pdf

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"studysharper/app/study"
	"studysharper/app/testkit"
)

// opened is the engine of all tests; to compile it takes seconds, once on a machine.
var opened = sync.OnceValues(func() (*Engine, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	return OpenEngine(filepath.Join(cache, "studysharper", "pdf-reader"))
})

func engine(t testing.TB) *Engine {
	t.Helper()
	testkit.SkipShort(t, "compiles PDFium")
	e, err := opened()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// text is a string at a place of a page, in points from the lower left corner.
type text struct {
	x, y, size float64
	s          string
}

// make makes a PDF of pages of 612 by 792 points, with Helvetica.
func makePDF(pages ...[]text) []byte {
	var objects []string
	kids := ""
	for i := range pages {
		kids += fmt.Sprintf("%d 0 R ", 4+2*i)
	}
	objects = append(objects, "<</Type/Catalog/Pages 2 0 R>>", fmt.Sprintf("<</Type/Pages/Kids[%s]/Count %d>>", kids, len(pages)),
		"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")
	for i, p := range pages {
		var s strings.Builder
		for _, t := range p {
			fmt.Fprintf(&s, "BT /F %g Tf %g %g Td (%s) Tj ET\n", t.size, t.x, t.y, strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(t.s))
		}
		objects = append(objects, fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F 3 0 R>>>>/Contents %d 0 R>>", 5+2*i),
			fmt.Sprintf("<</Length %d>>stream\n%s\nendstream", s.Len(), s.String()))
	}
	return assemble(objects, "")
}

// assemble writes objects, the table of their places, and a trailer with more entries.
func assemble(objects []string, more string) []byte {
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

// pages is a Writer that keeps Markdown in plain form.
type pages struct{ b strings.Builder }

func (p *pages) Page(n int)              { fmt.Fprintf(&p.b, "[%d]\n", n) }
func (p *pages) Heading(l int, s string) { fmt.Fprintf(&p.b, "%s %s\n", strings.Repeat("#", l), s) }
func (p *pages) Block(s string)          { p.b.WriteString(s + "\n") }
func (p *pages) Item(_, n int, s string) { fmt.Fprintf(&p.b, "- %d %s\n", n, s) }
func (p *pages) Table(rows [][]string) {
	for _, r := range rows {
		p.b.WriteString("| " + strings.Join(r, " | ") + "\n")
	}
}
func (p *pages) Full() bool { return false }

func read(t *testing.T, data []byte) (string, Info) {
	t.Helper()
	var w pages
	info, err := engine(t).Read(data, 2000, &w)
	if err != nil {
		t.Fatal(err)
	}
	return w.b.String(), info
}

func is(t *testing.T, got, want string) {
	t.Helper()
	if strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// lines puts lines of text below each other.
func lines(x, y, size float64, all ...string) (out []text) {
	for i, s := range all {
		out = append(out, text{x, y - float64(i)*size*1.2, size, s})
	}
	return out
}

func TestHeadingsParagraphsListsAndTablesAreTold(t *testing.T) {
	page := lines(72, 740, 24, "Photosynthesis")
	page = append(page, lines(72, 700, 11, "Plants make sugar out of light, water and carbon dioxide, and they give", "off oxygen while they do so, which animals need to breathe every day.")...)
	page = append(page, lines(72, 660, 15, "Two stages")...)
	page = append(page, lines(72, 636, 11, "1. The light reactions take place in the thylakoids and need light to", "work at all.", "2. The Calvin cycle takes place in the stroma.")...)
	for i, row := range [][3]string{{"Stage", "Place", "Needs"}, {"Light", "Thylakoid", "Water"}, {"Calvin", "Stroma", "Carbon"}} {
		for j, cell := range row {
			page = append(page, text{72 + 150*float64(j), 560 - 16*float64(i), 11, cell})
		}
	}
	page = append(page, text{300, 40, 11, "7"})
	got, info := read(t, makePDF(page))
	is(t, got, `[1]
# Photosynthesis
Plants make sugar out of light, water and carbon dioxide, and they give off oxygen while they do so, which animals need to breathe every day.
## Two stages
- 1 The light reactions take place in the thylakoids and need light to work at all.
- 2 The Calvin cycle takes place in the stroma.
| Stage | Place | Needs
| Light | Thylakoid | Water
| Calvin | Stroma | Carbon`)
	if info.Pages != 1 {
		t.Errorf("%+v", info)
	}
}

func TestTwoColumnsAreReadOneAfterTheOther(t *testing.T) {
	left := []string{"Cells are the smallest units of life and", "all living things consist of one or more", "of them. Some have a nucleus that holds", "their genes, and others have their genes", "in the middle of the cell without a wall.", "Both kinds make proteins in ribosomes."}
	right := []string{"Mitochondria make most of the energy in", "a cell by burning sugar with oxygen. They", "have genes of their own, which come from", "the mother only. Plants have chloroplasts", "too, in which light makes sugar of water", "and carbon dioxide during the daytime."}
	page := lines(72, 740, 20, "Cells and what they are made of, for beginners")
	for i := range left { // written row by row, as some programs do
		page = append(page, text{72, 700 - 13*float64(i), 10, left[i]}, text{320, 700 - 13*float64(i), 10, right[i]})
	}
	got, _ := read(t, makePDF(page))
	is(t, got, "[1]\n# Cells and what they are made of, for beginners\n"+strings.Join(left, " ")+"\n"+strings.Join(right, " "))
}

func TestThreeHundredPagesAreReadInTheirOrder(t *testing.T) {
	var all [][]text
	for n := range 300 {
		var page []string
		for l := range 45 {
			page = append(page, fmt.Sprintf("Line %d of page %d has a number of words that fill it to the end of it.", l+1, n+1))
		}
		all = append(all, lines(72, 740, 11, page...))
	}
	data := makePDF(all...)
	e := engine(t)
	var w pages
	used := testkit.ProcessorTime(1, func() {
		if _, err := e.Read(data, 2000, &w); err != nil {
			t.Error(err)
		}
	})
	got := w.b.String()
	at := 0
	for n := range 300 {
		for l := range 45 {
			next := strings.Index(got[at:], fmt.Sprintf("Line %d of page %d ", l+1, n+1))
			if next < 0 {
				t.Fatalf("line %d of page %d is not there, or not in its place", l+1, n+1)
			}
			at += next
		}
	}
	t.Logf("300 pages take %v of processor time", used)
}

func TestDamagedAndHostileFilesAreRefused(t *testing.T) {
	good := makePDF(lines(72, 700, 12, "Words"))
	loop := assemble([]string{"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[2 0 R]/Count 1>>"}, "")
	prev := bytes.Replace(assemble([]string{"<</Type/Catalog/Pages 2 0 R>>"}, "/Prev 9"), []byte("/Prev 9"), []byte("/Prev 60"), 1)
	huge := assemble([]string{"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[" + strings.Repeat("3 0 R ", 100_000) + "]/Count 100000>>", "<</Type/Page/Parent 2 0 R>>"}, "")
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"truncated":          {good[:len(good)/3], "damaged"},
		"only a header":      {[]byte("%PDF-1.7\n"), "damaged"},
		"a loop of pages":    {loop, "damaged"},
		"a loop of tables":   {prev, "damaged"},
		"a hundred thousand": {huge, "at most 2000"},
	} {
		var w pages
		_, err := engine(t).Read(c.data, 2000, &w)
		if e := study.AsError(err); err == nil || e.Code != study.CodeInvalid || !strings.Contains(e.Message, c.says) {
			t.Errorf("%s: got %v and %q", name, err, w.b.String())
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(makePDF(lines(72, 700, 12, "Words of a file", "and more of them")))
	f.Add([]byte("%PDF-1.7\n1 0 obj<<>>endobj trailer<</Root 1 0 R>>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e := engine(t)
		var w pages
		if _, err := e.Read(data, 50, &w); err != nil && study.AsError(err).Code != study.CodeInvalid {
			t.Error(err)
		}
	})
}
