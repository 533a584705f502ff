package export

import (
	"html"
	"strings"
)

// htmlOf converts a text to HTML for Anki and Moodle: line breaks, bold (**) and code (`) become tags, formulas between
// $ or \( become \(…\), formulas between $$ or \[ become \[…\], and everything else stays unchanged.
func htmlOf(text string) string {
	var out strings.Builder
	bold := false
	text = strings.ReplaceAll(strings.TrimSpace(text), "\r\n", "\n")
	for text != "" {
		if n, piece := spanAt(text); n > 0 {
			out.WriteString(piece)
			text = text[n:]
			continue
		}
		if strings.HasPrefix(text, "**") && (bold || boldOpens(text)) {
			out.WriteString(map[bool]string{false: "<b>", true: "</b>"}[bold])
			bold, text = !bold, text[2:]
			continue
		}
		n := 1 + strings.IndexAny(text[1:], "$\\`*") // 0 = not found
		if n == 0 {
			n = len(text)
		}
		out.WriteString(escapeHTML(text[:n]))
		text = text[n:]
	}
	return out.String()
}

func escapeHTML(text string) string {
	return strings.ReplaceAll(html.EscapeString(text), "\n", "<br>")
}

// boldOpens reports whether the ** at the beginning has a closing **: bold text does not begin or end with a space.
func boldOpens(text string) bool {
	inner, _, found := strings.Cut(text[2:], "**")
	return found && inner != "" && strings.TrimSpace(inner) == inner
}

// spanAt returns the formula or the code at the beginning of text, as HTML, and its length; 0 = there is none.
func spanAt(text string) (n int, piece string) {
	if n, tex, display := formulaAt(text); n > 0 {
		if display {
			return n, `\[` + html.EscapeString(tex) + `\]`
		}
		return n, `\(` + html.EscapeString(tex) + `\)`
	}
	if text[0] != '`' {
		return 0, ""
	}
	code, _, found := strings.Cut(text[1:], "`")
	if !found || code == "" || strings.Contains(code, "\n") {
		return 0, ""
	}
	return len(code) + 2, "<code>" + html.EscapeString(code) + "</code>"
}

// formulaAt returns the formula at the beginning of text, without its delimiters. A single $ opens a formula under
// Pandoc's rules, so that prices stay prices: no space after it, no space before the closing $, and no digit after the
// closing $.
func formulaAt(text string) (n int, tex string, display bool) {
	for _, pair := range [][2]string{{`\(`, `\)`}, {`\[`, `\]`}, {"$$", "$$"}} {
		rest, found := strings.CutPrefix(text, pair[0])
		if !found {
			continue
		}
		if tex, _, found = strings.Cut(rest, pair[1]); found && strings.TrimSpace(tex) != "" {
			return len(tex) + 4, tex, pair[0] != `\(`
		}
	}
	if text[0] != '$' || strings.HasPrefix(text, "$$") {
		return 0, "", false
	}
	for i := 1; i < len(text) && text[i] != '\n'; i++ {
		switch {
		case text[i] == '\\':
			i++ // \$ does not end the formula
		case text[i] == '$':
			tex = text[1:i]
			closes := tex != "" && strings.TrimSpace(tex) == tex && (i+1 == len(text) || text[i+1] < '0' || text[i+1] > '9')
			if closes {
				return i + 1, tex, false
			}
			return 0, "", false
		}
	}
	return 0, "", false
}
