package extract

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"studysharper/app/extract/pdf"
	"studysharper/app/extract/pdf/pdftest"
	"studysharper/app/testkit"
)

// pdfEngine returns the engine of all tests; compiling it takes seconds, once per machine.
var pdfEngine = sync.OnceValues(func() (*pdf.Engine, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	return pdf.OpenEngine(filepath.Join(cache, "studysharper", "pdf-reader"))
})

// typesetter sets the blocks of a sample on pages, like a word processor: the PDF contains only the positions of texts.
type typesetter struct {
	pages                     [][]pdftest.Text
	x, y, width               float64
	column                    int // of two; 0 = only one column
	left, right, top, pageEnd float64
}

const (
	bodySize = 11.0
	leading  = 1.2
)

func newTypesetter(columns bool) *typesetter {
	s := &typesetter{left: 72, right: 540, top: 740, pageEnd: 60}
	s.page()
	if columns {
		s.column = 1
	}
	return s
}

func (s *typesetter) page() {
	s.pages = append(s.pages, nil)
	s.x, s.y, s.width = s.left, s.top, s.right-s.left
}

func (s *typesetter) put(x, size float64, text string) {
	last := &s.pages[len(s.pages)-1]
	*last = append(*last, pdftest.At(x, s.y, size, text))
}

// lines sets a text and adds space after it.
func (s *typesetter) lines(size, indent float64, text string) {
	for _, l := range wrapped(text, int((s.width-indent)/size*1000)) {
		x := s.x + indent
		if isRTL(text) {
			l = visual(l)
			x = s.right - float64(utf8.RuneCountInString(l))*size*0.5
		}
		s.put(x, size, l)
		s.y -= size * leading
	}
	s.y -= size * 0.8
}

// width returns the width of a text in Helvetica, or in pdftest's wide font, in thousandths of its size.
func width(s string) (n int) {
	for _, r := range s {
		switch {
		case r >= 0x2e80:
			n += 1000
		case strings.ContainsRune("iljtf ,.I!'", r):
			n += 260
		case unicode.IsUpper(r), strings.ContainsRune("mw", r):
			n += 720
		default:
			n += 530
		}
	}
	return n
}

// wrapped splits a text into lines; where a word is split, the line ends in a hyphen.
func wrapped(text string, limit int) (lines []string) {
	line := ""
	for _, paragraph := range strings.Split(text, "\n") {
		for _, word := range strings.Fields(paragraph) {
			head, tail, parted := strings.Cut(word, "\u00ad")
			if parted {
				lines = append(lines, strings.TrimSpace(line+" "+head+"-"))
				line, word = "", tail
			} else if line != "" && width(line+" "+word) > limit {
				lines = append(lines, line)
				line = ""
			}
			for width(word) > limit { // Chinese and Japanese
				runes := []rune(word)
				lines, word = append(lines, string(runes[:limit/1000])), string(runes[limit/1000:])
			}
			line = strings.TrimSpace(line + " " + word)
		}
		lines, line = append(lines, line), ""
	}
	return lines
}

func isRTL(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.Hebrew, unicode.Arabic) })
}

// visual returns a right-to-left line in the visual order of its glyphs; digits run from left to right.
func visual(line string) string {
	runes := []rune(line)
	slices.Reverse(runes)
	for i := 0; i < len(runes); i++ {
		j := i
		for j < len(runes) && unicode.IsDigit(runes[j]) {
			j++
		}
		slices.Reverse(runes[i:j])
		i = max(i, j-1)
	}
	return string(runes)
}

func (s *typesetter) block(b block) {
	switch b.kind {
	case heading:
		s.lines([]float64{0, 24, 18, 14}[b.level], 0, b.text)
	case item:
		marker := "\u2022 "
		if b.number > 0 {
			marker = fmt.Sprintf("%d. ", b.number)
		}
		s.lines(bodySize, 18+18*float64(b.level), marker+b.text)
	case rows:
		for _, row := range b.rows {
			for i, cell := range row {
				s.put(s.x+150*float64(i), bodySize, cell)
			}
			s.y -= bodySize * 1.6
		}
		s.y -= bodySize
	case pageBreak:
		s.page()
	default:
		s.lines(bodySize, 0, strings.TrimSpace(b.text+" "+formulas[b.tex].plain))
	}
}

// columnsOf sets blocks in two columns that begin at the same height.
func (s *typesetter) columnsOf(blocks []block) {
	gap := 24.0
	s.width = (s.right - s.left - gap) / 2
	begins := s.y
	for i, b := range blocks {
		if i == len(blocks)/2 {
			s.x, s.y = s.left+s.width+gap, begins
		}
		s.block(b)
	}
	last := s.pages[len(s.pages)-1] // written row by row, as some programs do
	slices.SortStableFunc(last, func(a, b pdftest.Text) int { return int(b.Y*10) - int(a.Y*10) })
}

func samplePDF(_ testing.TB, s sample) []byte {
	set := newTypesetter(s.columns)
	for i, b := range s.blocks {
		if s.columns && i > 0 {
			set.columnsOf(s.blocks[1:])
			break
		}
		set.block(b)
	}
	return pdftest.Make(set.pages...)
}

func TestTwelvePDFsComeOutAsTheyWentIn(t *testing.T) {
	testkit.SkipShort(t, "compiles PDFium")
	engine, err := pdfEngine()
	if err != nil {
		t.Fatal(err)
	}
	k := kept{pages: true, allPages: true, flat: true, plainMath: true, joined: true}
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			file := samplePDF(t, s)
			var d Document
			var err error
			used := testkit.ProcessorTime(1, func() { d, err = Read(file, Options{MaxPages: 2000, PDF: engine}) })
			if err != nil {
				t.Fatal(err)
			}
			same(t, d.Markdown, k.markdown(s))
			if s.name == "300 pages" {
				t.Logf("%d bytes take %v of processor time", len(file), used)
			}
		})
	}
}
