package scenario

import (
	_ "embed" // the built-in text
	"strings"
	"unicode/utf8"
)

// Bounds of a piece of notes, in bytes.
const (
	leastPiece = 400
	mostPiece  = 4000
)

// Notes is a text in pieces; each request is about one of them.
type Notes []string

//go:embed notes.txt
var builtIn string

// Split cuts a text at its empty lines into pieces of 400 to 4,000 bytes. A shorter text is
// one smaller piece; a blank one has none.
func Split(text string) Notes {
	var all Notes
	piece := ""
	for paragraph := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		paragraph = strings.TrimSpace(strings.ToValidUTF8(paragraph, "\uFFFD"))
		if paragraph == "" {
			continue
		}
		if piece != "" {
			piece += "\n\n"
		}
		piece += paragraph
		for len(piece) > mostPiece {
			cut := boundary(piece)
			all = append(all, strings.TrimSpace(piece[:cut]))
			piece = strings.TrimSpace(piece[cut:])
		}
		if len(piece) >= leastPiece {
			all, piece = append(all, piece), ""
		}
	}
	if piece != "" {
		all = append(all, piece)
	}
	return all
}

// boundary returns where a piece that is too long is cut: after a sentence, a word, or at least a character.
func boundary(text string) int {
	for _, end := range []string{". ", " "} {
		if i := strings.LastIndex(text[:mostPiece], end); i > leastPiece {
			return i + 1
		}
	}
	cut := mostPiece
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return cut
}

// piece returns the piece for request n.
func (n Notes) piece(of int64) string {
	if len(n) == 0 {
		return ""
	}
	return n[int(of%int64(len(n)))]
}

// orBuiltIn returns the notes, or the built-in text if there are none.
func (n Notes) orBuiltIn() Notes {
	if len(n) > 0 {
		return n
	}
	return Split(builtIn)
}
