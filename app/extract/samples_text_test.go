package extract

import (
	"encoding/csv"
	"fmt"
	"html"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
)

// charsets are encodings of texts, each with different line ends. Samples use them in turn.
var charsets = []func(string) []byte{
	func(s string) []byte { return []byte(s) },
	func(s string) []byte { return []byte("\ufeff" + strings.ReplaceAll(s, "\n", "\r\n")) },
	func(s string) []byte { return utf16Text(strings.ReplaceAll(s, "\n", "\r\n"), false) },
	func(s string) []byte { return utf16Text(s, true) },
	func(s string) []byte { // Windows-1252 if it has the characters
		data, err := charmap.Windows1252.NewEncoder().Bytes([]byte(strings.ReplaceAll(s, "\n", "\r\n")))
		if err != nil {
			return []byte(s)
		}
		return data
	},
}

// saved returns a text in the charset of a sample.
func saved(s sample, text string) []byte { return charsets[len(s.blocks)%len(charsets)](text) }

func sampleMarkdown(_ testing.TB, s sample) []byte {
	blocks := strings.Split(kept{pages: true, footnotes: true}.markdown(s), "\n")
	text := strings.ReplaceAll(strings.Join(blocks, "\n"), "Photosynthesis", "Photo\u00adsynthesis")
	return saved(s, "---\ntitle: a title\n---\n\n"+strings.Join(strings.SplitAfter(text, ".\n"), "\n\n"))
}

func TestTwelveMarkdownFilesComeOutAsTheyWentIn(t *testing.T) {
	readSamples(t, "md", kept{pages: true, footnotes: true}, sampleMarkdown)
}

func TestTwelveTextsComeOutAsTheyWentIn(t *testing.T) {
	readSamples(t, "txt", kept{footnotes: true}, func(_ testing.TB, s sample) []byte { return saved(s, kept{footnotes: true}.markdown(s)) })
}

// records returns the blocks of a sample as rows: kind, text, and the text of the next block.
func records(s sample) (out [][]string) {
	out = append(out, []string{"Kind", "Text, as it is", "Next"})
	for i, b := range s.blocks {
		next := ""
		if i+1 < len(s.blocks) {
			next = s.blocks[i+1].text
		}
		out = append(out, []string{fmt.Sprintf("%d \"%d\"", b.kind, i), b.text + kept{}.formula(b), next + "."})
	}
	return out
}

// cardsIn returns the cards that a sample becomes: each text with the next one.
func cardsIn(s sample) (out []card) {
	for i, b := range s.blocks {
		if front := b.text + (kept{}).formula(b); front != "" {
			out = append(out, card{front, fmt.Sprintf("Card %d; %s", i, longText(i))})
		}
	}
	return out
}

// sampleRows tests files of rows: tables with three columns, and cards.
func sampleRows(t *testing.T, extension string, separators ...rune) {
	for i, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			var b strings.Builder
			w := csv.NewWriter(&b)
			w.Comma, w.UseCRLF = separators[i%len(separators)], i%2 == 1
			table := sample{blocks: []block{{kind: rows, rows: records(s)}}}
			if err := w.WriteAll(table.blocks[0].rows); err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(strings.ReplaceAll(kept{joined: true}.markdown(tidied(table)), "\u00ad", ""), "\u00a0", " ")
			same(t, read(t, saved(s, b.String()), extension).Markdown, want)

			b.Reset()
			cards := cardsIn(s)
			for _, c := range append([]card{{"Question", "Answer"}}, cards...) {
				_ = w.Write([]string{c.front, c.back})
			}
			if w.Flush(); w.Error() != nil {
				t.Fatal(w.Error())
			}
			same(t, read(t, saved(s, b.String()), extension).Markdown, asItems(cards))
		})
	}
}

// tidied returns a sample with each cell on one line and escaped vertical bars.
func tidied(s sample) sample {
	for _, row := range s.blocks[0].rows {
		for i, cell := range row {
			row[i] = strings.ReplaceAll(oneLine(cell), "|", `\|`)
		}
	}
	return s
}

// asItems returns cards as Markdown.
func asItems(cards []card) string {
	var b strings.Builder
	for _, c := range cards {
		b.WriteString(strings.ReplaceAll(oneLine("- "+c.front+" :: "+c.back), "\u00ad", "") + "\n")
	}
	return b.String()
}

func TestTwelveFilesOfRowsComeOutAsTheyWentIn(t *testing.T) {
	t.Run("CSV", func(t *testing.T) { sampleRows(t, "csv", ',', ';', '|', '\t') })
	t.Run("TSV", func(t *testing.T) { sampleRows(t, "tsv", '\t') })
}

// ankiField returns a text as Anki's editor stores it.
func ankiField(text string) string {
	text = html.EscapeString(text)
	text = strings.NewReplacer("\n", "<br>", "\u00a0", "&nbsp;").Replace(text)
	for strings.Contains(text, "$$") {
		text = strings.Replace(strings.Replace(text, "$$", `\[`, 1), "$$", `\]`, 1)
	}
	for strings.Contains(text, "$") {
		text = strings.Replace(strings.Replace(text, "$", `\(`, 1), "$", `\)`, 1)
	}
	return "<div>" + text + "</div>[sound:a.mp3]<img src=\"a.png\">"
}

func TestTwelveDecksOfAnkiComeOutAsTheyWentIn(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			cards := cardsIn(s)
			var text strings.Builder
			text.WriteString("#separator:tab\n#html:true\n#guid column:1\n#notetype column:2\n#deck column:3\n#tags column:6\n")
			w := csv.NewWriter(&text)
			w.Comma = '\t'
			var notes []string
			for i, c := range cards {
				front, back := ankiField(c.front), ankiField(c.back)
				notes = append(notes, front+fieldEnds+back+fieldEnds+"a third field")
				_ = w.Write([]string{fmt.Sprintf("guid%d", i), "Basic", "Deck", front, back, "tag other"})
			}
			if w.Flush(); w.Error() != nil {
				t.Fatal(w.Error())
			}
			same(t, read(t, []byte(text.String()), "txt").Markdown, asItems(cards))
			database := collection(t, notes...)
			same(t, read(t, zipOf(t, map[string]string{"collection.anki2": string(database), "media": "{}"}), "apkg").Markdown, asItems(cards))
			same(t, read(t, zipOf(t, map[string]string{"collection.anki21b": packed(t, database), "collection.anki2": string(collection(t, "Update"+fieldEnds)), "meta": "\x08\x03", "media": packed(t, nil)}), "apkg").Markdown, asItems(cards))
		})
	}
}
