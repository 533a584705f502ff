package export

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"studysharper/app/study"
)

// maxName is the maximum length of a file name without its extension, in runes.
const maxName = 80

// Name returns a readable file name for an aid in a format; it is valid on all systems.
func Name(c study.Content, f Format) string {
	return fileName(c.Title, kindName(c.Type)) + "." + string(f)
}

// fileName converts a title to a file name without an extension. It returns otherwise if the title contains no letter
// or digit.
func fileName(title, otherwise string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(`/\:|`, r):
			return '-'
		case strings.ContainsRune(`<>"?*`, r), r == unicode.ReplacementChar:
			return -1
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r): // including characters that change the writing direction
			return -1
		}
		return r
	}, title)
	if runes := []rune(norm.NFC.String(oneLine(clean))); len(runes) > maxName {
		clean = string(runes[:maxName])
	} else {
		clean = string(runes)
	}
	clean = strings.Trim(clean, " .-")
	if !strings.ContainsFunc(clean, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
		return otherwise
	}
	if reserved(clean) {
		return otherwise + " " + clean
	}
	return clean
}

// namer assigns file names that are unique even if case is ignored.
type namer map[string]int

// name returns a file name for a title in a folder, which ends in "/".
func (n namer) name(folder, title, otherwise, extension string) string {
	base := fileName(title, otherwise)
	for try := base; ; {
		key := strings.ToLower(try)
		n[key]++
		if n[key] == 1 {
			return folder + try + extension
		}
		try = fmt.Sprintf("%s (%d)", base, n[key])
	}
}

// reserved reports whether a name is a device name in Windows.
func reserved(name string) bool {
	first, _, _ := strings.Cut(strings.ToUpper(name), ".")
	switch first {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	return len(first) == 4 && (strings.HasPrefix(first, "COM") || strings.HasPrefix(first, "LPT")) && first[3] >= '0' && first[3] <= '9'
}

// Disposition returns the Content-Disposition header (RFC 6266) that makes browsers save a response under a name.
// Clients that do not support RFC 8187 get the name in ASCII.
func Disposition(name string) string {
	return fmt.Sprintf("attachment; filename=%q; filename*=UTF-8''%s", asciiName(name), strings.ReplaceAll(url.PathEscape(name), "'", "%27"))
}

// asciiName converts a name to ASCII: it removes accents and replaces other letters by "_", as well as "%", which some
// clients decode.
func asciiName(name string) string {
	extension := path.Ext(name)
	var out strings.Builder
	for _, r := range norm.NFKD.String(strings.TrimSuffix(name, extension)) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r == 'ß':
			out.WriteString("ss")
		case r < ' ' || r > '~' || r == '%' || r == '"' || r == '\\':
			out.WriteByte('_')
		default:
			out.WriteRune(r)
		}
	}
	plain := out.String()
	if strings.Trim(plain, "_ -.") == "" {
		plain = "export"
	}
	return plain + extension
}
