package extract

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"studysharper/app/testkit"
)

// sample is a document that is written in every format and read again; the result is compared with the original.
type sample struct {
	name    string
	blocks  []block
	columns bool // the text is set in two columns
}

// block is a piece of a sample.
type block struct {
	kind   kind
	text   string     // U+00AD marks where a word may be split; "\n" a line break
	level  int        // of a heading, from 1; of an item, from 0
	number int        // of an item; 0 = a bullet
	rows   [][]string // of a table
	tex    string     // name of the formula that follows the text, see formulas
	shown  bool       // the formula is on a line of its own
	note   string     // a footnote, or a speaker note
}

type kind int

const (
	paragraph kind = iota
	heading
	item
	rows
	pageBreak
)

// numberedPages is the number of pages of the long sample.
const numberedPages = 300

// samples returns the twelve documents.
func samples() []sample {
	return []sample{
		{name: "plain", blocks: []block{h(1, "Osmosis"), p(longText(1)), p(longText(2)), p(longText(3))}},
		{name: "headings", blocks: []block{h(1, "The cell"), p(longText(1)), h(2, "Organelles"), p(longText(2)), h(3, "Mitochondria"), p(longText(3)), h(2, "Membranes"), p(longText(4))}},
		{name: "lists", blocks: []block{h(1, "What plants need"), p(longText(1)), li(0, 0, "Water and salts"), li(0, 0, "Light of two colours"), li(1, 0, "Blue light"), li(1, 0, "Red light"), li(0, 0, "Air"),
			p(longText(2)), li(0, 1, "Take in water"), li(0, 2, "Split it by light"), li(0, 3, "Store the sugar"), p(longText(3))}},
		{name: "tables", blocks: []block{h(1, "Planets"), p(longText(1)), table3("Planet", "Moons", "Rings", "Earth", "one", "no", "Saturn", "many", "yes", "Mars", "two", "no"),
			p(longText(2)), table3("Metal", "Symbol", "Number", "Iron", "Fe", "26", "Gold", "Au", "79", "Lead", "Pb", "82")}},
		{name: "two columns", columns: true, blocks: []block{h(1, "Cells and what they are made of"), p(longText(1)), p(longText(2)), p(longText(3)), p(longText(4))}},
		{name: "right to left", blocks: []block{h(1, "תורת התאים"), p("התא הוא יחידת המבנה הבסיסית של כל היצורים החיים."), p("בכל תא יש 46 כרומוזומים ועוד אברונים רבים."),
			h(2, "الخلية الحية"), p("الخلية هي الوحدة الأساسية في جميع الكائنات الحية."), p("يحدث البناء الضوئي في البلاستيدات الخضراء.")}},
		{name: "Chinese, Japanese and Korean", blocks: []block{h(1, "光合作用"), p("光合作用是植物利用光能把二氧化碳和水变成糖的过程。"), p("光合成は葉緑体の中で起こり、酸素を出す。"), p("광합성은 빛 에너지를 화학 에너지로 바꾼다."),
			table3("物质", "来源", "去向", "水分子", "根部来", "叶子里", "氧气分", "水中来", "空气里")}},
		{name: "equations", blocks: []block{h(1, "Formulas"), {text: "Energy and mass are related by", tex: "energy"}, p(longText(1)), {tex: "roots", shown: true}, p(longText(2)), {text: "A sum of squares is", tex: "sum"}, {tex: "limit", shown: true},
			p(longText(3)), {tex: "integral", shown: true}, {text: "An estimate is written as", tex: "accent"}}},
		{name: "300 pages", blocks: manyPages()},
		{name: "slides with notes", blocks: []block{h(1, "Photosynthesis"), {text: "An overview for beginners.", note: "Welcome everybody and wait for silence."}, {kind: pageBreak}, h(1, "Light"), li(0, 0, "Chlorophyll absorbs it"), li(0, 0, "Water is split"),
			{text: "This happens in the membranes.", note: "Ask who has seen a leaf under a microscope."}, {kind: pageBreak}, h(1, "Sugar"), li(0, 1, "Take in air"), li(0, 2, "Build sugar"), {text: "It is stored as starch.", note: "Show the picture of a potato."}}},
		{name: "hyphens and line breaks", blocks: []block{h(1, "Photo\u00adsynthesis"), p("The endo\u00adplasmic reti\u00adculum makes proteins and lipids for the whole cell."), p("Roses are red,\nviolets are blue,\nand leaves are green."), p("A figure stands\u00a0here: 5\u00a0km.")}},
		{name: "characters", blocks: []block{h(1, "Signs & marks"), p("Fish & chips < 5 pounds > 3, said \"Anna\" and 'Bo' – really…"), p("Ελληνικά, русский язык, Tiếng Việt, čeština, Türkçe, Íslenska."), p("हिन्दी भाषा, ภาษาไทย, ქართული, Հայերեն."), p("A smile 😀, a family 👩‍👧, a flag 🇩🇪 and an e with an accent: e\u0301.")}},
	}
}

func h(level int, text string) block { return block{kind: heading, level: level, text: text} }
func p(text string) block            { return block{text: text} }
func li(depth, n int, text string) block {
	return block{kind: item, level: depth, number: n, text: text}
}
func isList(blocks []block, i int) bool     { return i >= 0 && i < len(blocks) && blocks[i].kind == item }
func listEnds(blocks []block, i int) bool   { return isList(blocks, i) && !isList(blocks, i+1) }
func listBegins(blocks []block, i int) bool { return isList(blocks, i) && !isList(blocks, i-1) }

func table3(cells ...string) block {
	b := block{kind: rows}
	for ; len(cells) > 0; cells = cells[3:] {
		b.rows = append(b.rows, cells[:3])
	}
	return b
}

// longText returns a paragraph of five lines that differs for each number.
func longText(n int) string {
	return fmt.Sprintf("Water moves through membrane %d from where there is much of it to where there is little, and nobody has to push it. "+
		"Cells in salt water of sort %d therefore shrink, and cells in pure water swell until their walls hold them, which keeps plant number %d upright even though it has neither bones nor muscles of its own.", n, n, n)
}

func manyPages() (all []block) {
	for n := range numberedPages {
		if n > 0 {
			all = append(all, block{kind: pageBreak})
		}
		all = append(all, h(1, fmt.Sprintf("Chapter number %d", n+1)), p(longText(n+1)), p(longText(n+1001)))
	}
	return all
}

// kept describes what a format can represent.
type kept struct {
	pages     bool // page numbers
	allPages  bool // even if there is only one page
	footnotes bool
	slides    bool // a page for each heading, whose level is lost; notes after the slide
	flat      bool // lists have no depth
	plainMath bool // formulas are characters
	joined    bool // a line break is a space
}

// markdown returns a sample as Markdown, in the plain form that same compares.
func (k kept) markdown(s sample) string {
	var out, notes []string
	page := 0
	turn := func() {
		page++
		out = append(out, fmt.Sprintf("<!-- page %d -->", page))
	}
	if k.allPages || k.pages && s.hasPages() && !k.slides {
		turn()
	}
	for _, b := range s.blocks {
		if k.pages && (b.kind == pageBreak && !k.slides || b.kind == heading && k.slides) {
			turn()
		}
		out = append(out, k.block(b)...)
		switch {
		case b.note == "":
		case k.footnotes:
			notes = append(notes, fmt.Sprintf("[^%d]: %s", len(notes)+1, b.note))
			out[len(out)-1] += fmt.Sprintf("[^%d]", len(notes))
		case k.slides:
			out = append(out, "> Notes: "+b.note)
		}
	}
	return strings.Join(append(out, notes...), "\n")
}

func (s sample) hasPages() bool {
	for _, b := range s.blocks {
		if b.kind == pageBreak {
			return true
		}
	}
	return false
}

func (k kept) block(b block) []string {
	text := strings.ReplaceAll(b.text, "\u00ad", "")
	if k.joined {
		text = strings.ReplaceAll(text, "\n", " ")
	}
	switch b.kind {
	case heading:
		level := b.level
		if k.slides {
			level = 2
		}
		return []string{strings.Repeat("#", level) + " " + text}
	case item:
		depth := b.level
		if k.flat {
			depth = 0
		}
		if b.number > 0 {
			return []string{fmt.Sprintf("%d. %s", b.number, text)}
		}
		return []string{strings.Repeat("  ", depth) + "- " + text}
	case rows:
		var lines []string
		for _, row := range b.rows {
			lines = append(lines, "| "+strings.Join(row, " | ")+" |")
		}
		return lines
	case pageBreak:
		return nil
	default:
		return []string{strings.TrimSpace(text + " " + k.formula(b))}
	}
}

func (k kept) formula(b block) string {
	switch f := formulas[b.tex]; {
	case b.tex == "":
		return ""
	case k.plainMath:
		return f.plain
	case b.shown:
		return "$$" + f.tex + "$$"
	default:
		return "$" + f.tex + "$"
	}
}

var (
	dashes    = regexp.MustCompile(`(?m)^\|[-| :]+\|$`)
	formulaIn = regexp.MustCompile(`\$[^$\n]+\$`)
	escaped   = regexp.MustCompile(`\\([_*\[\]#+.!|<>()~-])`)
	spaces    = regexp.MustCompile(`(\S)[ \x{a0}]+`)
)

// plainly removes meaningless differences from Markdown: empty lines, the width of table columns, escapes, spaces in
// formulas.
func plainly(markdown string) string {
	markdown = formulaIn.ReplaceAllStringFunc(markdown, func(f string) string { return strings.ReplaceAll(f, " ", "") })
	markdown = escaped.ReplaceAllString(markdown, "$1")
	var out []string
	for line := range strings.Lines(dashes.ReplaceAllString(markdown, "")) {
		if line = spaces.ReplaceAllString(strings.TrimRight(line, " \n"), "$1 "); strings.TrimSpace(line) != "" {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// same compares the text that was read with the one that was written, and shows the first line that differs.
func same(t *testing.T, got, want string) {
	t.Helper()
	g, w := strings.Split(plainly(got), "\n"), strings.Split(plainly(want), "\n")
	for i := range max(len(g), len(w)) {
		a, b := "(the end)", "(the end)"
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			t.Errorf("line %d of %d:\n got %s\nwant %s", i+1, len(w), a, b)
			return
		}
	}
}

// readSamples writes the twelve documents in a format, and reads them.
func readSamples(t *testing.T, extension string, k kept, write func(testing.TB, sample) []byte) {
	t.Helper()
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			file := write(t, s)
			var d Document
			used := testkit.ProcessorTime(1, func() { d = read(t, file, extension) })
			same(t, d.Markdown, k.markdown(s))
			if s.name == "300 pages" {
				t.Logf("%d bytes take %v of processor time", len(file), used)
			}
		})
	}
}
