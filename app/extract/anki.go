package extract

import (
	"fmt"
	"html"
	"strconv"
	"strings"

	"studysharper/app/text"
)

// readAnkiText reads notes exported from Anki as text: header lines that begin with "#", then one row per note.
func readAnkiText(data []byte, _ Options, w *writer) (Document, error) {
	text, _ := decodeText(data)
	h, rows := ankiHeader(text)
	records, cut, err := parseRows(rows, h.separator)
	if err != nil {
		return Document{}, err
	}
	var cards []card
	for _, record := range records {
		var fields []string
		for i, field := range record {
			if !h.columns[i+1] {
				fields = append(fields, field)
			}
		}
		cards = append(cards, ankiCard(fields, h.html)...)
	}
	writeCards(cards, w)
	var d Document
	d.Title = h.deck
	if cut {
		d.Warnings = append(d.Warnings, fmt.Sprintf("The deck has more than %d notes: the rest was left out.", maxRows))
	}
	return d, nil
}

// header contains the settings in the lines before the notes.
type header struct {
	separator rune
	html      bool
	deck      string
	columns   map[int]bool // columns that are not fields: tags, decks, ids; counted from 1
}

var ankiSeparators = map[string]rune{"tab": '\t', "comma": ',', "semicolon": ';', "pipe": '|', "space": ' ', "colon": ':'}

func isAnkiText(text string) bool {
	for _, key := range []string{"#separator:", "#html:", "#notetype:", "#deck:", "#guid column:", "#notetype column:"} {
		if strings.HasPrefix(text, key) {
			return true
		}
	}
	return false
}

func ankiHeader(text string) (h header, rows string) {
	h = header{separator: '\t', html: true, columns: map[int]bool{}}
	for strings.HasPrefix(text, "#") {
		line, rest, _ := strings.Cut(text, "\n")
		key, value, _ := strings.Cut(line[1:], ":")
		value = strings.TrimSpace(value)
		switch key {
		case "separator":
			if s, named := ankiSeparators[strings.ToLower(value)]; named {
				h.separator = s
			} else if runes := []rune(value); len(runes) == 1 && runes[0] != '"' {
				h.separator = runes[0]
			}
		case "html":
			h.html = value == "true"
		case "deck":
			h.deck = value
		case "tags column", "deck column", "guid column", "notetype column":
			if n, err := strconv.Atoi(value); err == nil {
				h.columns[n] = true
			}
		}
		text = rest
	}
	return h, text
}

// cloze matches a gap in a text: {{c1::answer}} or {{c1::answer::hint}}.
var cloze = text.Pattern(`\{\{c(\d+)::(.*?)(?:::(.*?))?\}\}`)

// maxGaps limits the cards of one text with gaps.
const maxGaps = 50

// ankiCard makes cards from a note's fields: one from the first two fields, or one for each group of gaps.
func ankiCard(fields []string, markup bool) []card {
	for i, f := range fields {
		fields[i] = plainField(f, markup)
	}
	if len(fields) == 0 || fields[0] == "" {
		return nil
	}
	if gaps := cloze().FindAllStringSubmatch(fields[0], -1); len(gaps) > 0 {
		return clozeCards(fields[0], gaps)
	}
	for _, back := range fields[1:] {
		if back != "" {
			return []card{{fields[0], back}}
		}
	}
	return []card{{front: fields[0]}}
}

func clozeCards(text string, gaps [][]string) (cards []card) {
	done := map[string]bool{}
	for _, gap := range gaps {
		if done[gap[1]] || len(done) == maxGaps {
			continue
		}
		done[gap[1]] = true
		var answers []string
		front := cloze().ReplaceAllStringFunc(text, func(s string) string {
			parts := cloze().FindStringSubmatch(s)
			switch {
			case parts[1] != gap[1]:
				return parts[2]
			case parts[3] != "":
				answers = append(answers, parts[2])
				return "[" + parts[3] + "]"
			default:
				answers = append(answers, parts[2])
				return "[…]"
			}
		})
		cards = append(cards, card{oneLine(front), oneLine(strings.Join(answers, ", "))})
	}
	return cards
}

var (
	ankiMedia = text.Pattern(`\[sound:[^\]]*\]|\[anki:play[^\]]*\]`)
	htmlTag   = text.Pattern(`(?s)<!--.*?-->|<style.*?</style>|<script.*?</script>|</?[a-zA-Z][^>]*>`)
	inWord    = text.Pattern(`(?i)</?(?:b|i|u|s|em|strong|span|font|a|sub|sup|code|small|mark|strike|del|ins|kbd|q|cite|var|tt)(?:\s[^>]*)?>`)
	mathTag   = strings.NewReplacer("<anki-mathjax block=\"true\">", "$$", "<anki-mathjax>", "$", "</anki-mathjax>", "$", `\(`, "$", `\)`, "$", `\[`, "$$", `\]`, "$$", "[$]", "$", "[/$]", "$", "[$$]", "$$", "[/$$]", "$$", "[latex]", "", "[/latex]", "")
)

// plainField returns a field as one line of text.
func plainField(field string, markup bool) string {
	field = ankiMedia().ReplaceAllString(mathTag.Replace(field), "")
	if markup {
		field = html.UnescapeString(htmlTag().ReplaceAllString(inWord().ReplaceAllString(field, ""), " "))
	}
	return oneLine(strings.ReplaceAll(field, "\u00a0", " "))
}
