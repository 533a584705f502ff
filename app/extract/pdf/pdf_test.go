package pdf

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"studysharper/app/extract/pdf/pdftest"
	"studysharper/app/study"
	"studysharper/app/testkit"
)

// opened returns the engine of all tests; compiling it takes seconds, once per machine.
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

// pages is a Writer that stores Markdown in plain form.
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

func TestHeadingsParagraphsListsAndTablesAreTold(t *testing.T) {
	page := pdftest.Lines(72, 740, 24, "Photosynthesis")
	page = append(page, pdftest.Lines(72, 700, 11, "Plants make sugar out of light, water and carbon dioxide, and they give", "off oxygen while they do so, which animals need to breathe every day.")...)
	page = append(page, pdftest.Lines(72, 660, 15, "Two stages")...)
	page = append(page, pdftest.Lines(72, 636, 11, "1. The light reactions take place in the thylakoids and need light to", "work at all.", "2. The Calvin cycle takes place in the stroma.")...)
	for i, row := range [][3]string{{"Stage", "Place", "Needs"}, {"Light", "Thylakoid", "Water"}, {"Calvin", "Stroma", "Carbon"}} {
		for j, cell := range row {
			page = append(page, pdftest.At(72+150*float64(j), 560-16*float64(i), 11, cell))
		}
	}
	page = append(page, pdftest.At(300, 40, 11, "7"))
	got, info := read(t, pdftest.Make(page))
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
	page := pdftest.Lines(72, 740, 20, "Cells and what they are made of, for beginners")
	for i := range left { // written row by row, as some programs do
		page = append(page, pdftest.At(72, 700-13*float64(i), 10, left[i]), pdftest.At(320, 700-13*float64(i), 10, right[i]))
	}
	got, _ := read(t, pdftest.Make(page))
	is(t, got, "[1]\n# Cells and what they are made of, for beginners\n"+strings.Join(left, " ")+"\n"+strings.Join(right, " "))
}

// TestACharacterIsReadOnce has two pieces of a word that touch, as in fonts with kerning and in Arabic.
func TestACharacterIsReadOnce(t *testing.T) {
	got, _ := read(t, pdftest.Make([]pdftest.Text{pdftest.At(72, 700, 11, "A paragraph af"), pdftest.At(141.2, 700, 11, "ter the list.")}))
	is(t, got, "[1]\nA paragraph after the list.")
}

func TestThreeHundredPagesAreReadInTheirOrder(t *testing.T) {
	var all [][]pdftest.Text
	for n := range 300 {
		var page []string
		for l := range 45 {
			page = append(page, fmt.Sprintf("Line %d of page %d has a number of words that fill it to the end of it.", l+1, n+1))
		}
		all = append(all, pdftest.Lines(72, 740, 11, page...))
	}
	data := pdftest.Make(all...)
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
	good := pdftest.Make(pdftest.Lines(72, 700, 12, "Words"))
	loop := pdftest.Assemble([]string{"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[2 0 R]/Count 1>>"}, "")
	prev := bytes.Replace(pdftest.Assemble([]string{"<</Type/Catalog/Pages 2 0 R>>"}, "/Prev 9"), []byte("/Prev 9"), []byte("/Prev 60"), 1)
	huge := pdftest.Assemble([]string{"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[" + strings.Repeat("3 0 R ", 100_000) + "]/Count 100000>>", "<</Type/Page/Parent 2 0 R>>"}, "")
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"truncated":          {good[:len(good)/3], "damaged"},
		"only a header":      {[]byte("%PDF-1.7\n"), "damaged"},
		"a loop of pages":    {loop, "damaged"},
		"a loop of tables":   {prev, "damaged"},
		"a hundred thousand": {huge, "the limit is 2000"},
	} {
		var w pages
		_, err := engine(t).Read(c.data, 2000, &w)
		if e := study.AsError(err); err == nil || e.Code != study.CodeInvalid || !strings.Contains(e.Message, c.says) {
			t.Errorf("%s: got %v and %q", name, err, w.b.String())
		}
	}
}

func FuzzRead(f *testing.F) {
	e := engine(f) // before the first input, whose time limit is 10 s
	f.Add(pdftest.Make(pdftest.Lines(72, 700, 12, "Words of a file", "and more of them")))
	f.Add(pdftest.Make(pdftest.Lines(72, 700, 24, "光合作用", "םיאתה 12", "𝐸 = 𝑚"), []pdftest.Text{pdftest.At(72, 700, 11, "a"), pdftest.At(300, 700, 11, "b")}))
	f.Add([]byte("%PDF-1.7\n1 0 obj<<>>endobj trailer<</Root 1 0 R>>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var w pages
		if _, err := e.Read(data, 50, &w); err != nil && study.AsError(err).Code != study.CodeInvalid {
			t.Error(err)
		}
	})
}
