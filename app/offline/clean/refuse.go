package clean

import (
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// signatures are the first bytes of files that are not text.
var signatures = []struct{ start, is, advice string }{
	{"%PDF-", "a PDF file", "Open it, select its text and paste that, or import the file as a note."},
	{"PK\x03\x04", "an office file or an archive", "Open it, select its text and paste that, or import the file as a note."},
	{"\xd0\xcf\x11\xe0", "an office file", "Open it, select its text and paste that."},
	{"{\\rtf", "an RTF file", "Open it, select its text and paste that."},
	{"\x89PNG", "an image", "Type or paste the text that it shows."},
	{"\xff\xd8\xff", "an image", "Type or paste the text that it shows."},
	{"GIF8", "an image", "Type or paste the text that it shows."},
}

// extensions are those of files whose names students paste instead of their text.
var extensions = []string{".pdf", ".doc", ".docx", ".ppt", ".pptx", ".odt", ".odp", ".xls", ".xlsx", ".txt", ".md", ".rtf", ".epub", ".html", ".csv", ".png", ".jpg", ".jpeg", ".zip"}

// Refusal returns a message for the student if material is not learning material: the bytes of a
// file, base64, an address or a file name. It returns "" for all other material.
func Refusal(material string) string {
	s := strings.TrimSpace(material)
	for _, sig := range signatures {
		if strings.HasPrefix(s, sig.start) {
			return "This is " + sig.is + ", not its text. " + sig.advice
		}
	}
	head := s[:min(len(s), 4096)]
	fields := strings.Fields(head)
	switch {
	case len(fields) == 1 && isAddress(fields[0]):
		return "This is the address of a page, not its text. Open the page, copy its text and paste that."
	case len(fields) > 0 && len(fields) < 6 && len(s) < 200 && !strings.Contains(s, "\n") && slices.Contains(extensions, strings.ToLower(path.Ext(s))):
		return "This is the name of a file, not its text. Open the file, copy its text and paste that."
	case isEncoded(fields):
		return "This is an encoded file (base64), not its text. Open the file itself, copy its text and paste that."
	case isBinary(head):
		return "This is not readable text. Open the file in the program it belongs to, copy its text and paste that."
	default:
		return ""
	}
}

func isAddress(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "www.")
}

// isEncoded reports whether the words are lines of base64, perhaps in a data URL.
func isEncoded(fields []string) bool {
	letters := 0
	for i, f := range fields {
		if i == 0 && strings.HasPrefix(f, "data:") {
			_, f, _ = strings.Cut(f, ",")
		}
		rest := strings.TrimFunc(f, func(r rune) bool {
			return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("+/=_-", r))
		})
		if rest != "" || len(f) < 40 && i < len(fields)-1 {
			return false
		}
		letters += len(f)
	}
	mixed := len(fields) > 0 && strings.ContainsAny(fields[0], "0123456789+/") && strings.ToLower(fields[0]) != fields[0]
	return letters >= 80 && mixed
}

// isBinary reports whether a tenth of s are control characters or invalid.
func isBinary(s string) bool {
	bad, all := 0, 0
	for _, r := range s {
		all++
		if r == utf8.RuneError || unicode.IsControl(r) && !unicode.IsSpace(r) {
			bad++
		}
	}
	return all > 20 && bad*10 > all
}
