package clean

import (
	"html"
	"strings"
)

// skipped are the elements whose content is not learning material.
var skipped = map[string]string{
	"script": "", "style": "", "head": "", "svg": "", "noscript": "", "form": "", "button": "", "template": "", "iframe": "",
	"nav": "navigation line", "header": "navigation line", "footer": "navigation line", "aside": "navigation line", "pre": "code block",
}

// marks are the replacements of tags; a known tag that is not listed is removed.
var marks = map[string]string{
	"p": "\n\n", "/p": "\n\n", "div": "\n", "/div": "\n", "br": "\n", "hr": "\n\n", "section": "\n\n", "/section": "\n\n", "article": "\n\n", "/article": "\n\n",
	"blockquote": "\n\n", "/blockquote": "\n\n", "h1": "\n\n# ", "/h1": "\n\n", "h2": "\n\n# ", "/h2": "\n\n", "h3": "\n\n# ", "/h3": "\n\n", "h4": "\n\n# ", "/h4": "\n\n",
	"h5": "\n\n# ", "/h5": "\n\n", "h6": "\n\n# ", "/h6": "\n\n", "ul": "\n", "/ul": "\n\n", "ol": "\n", "/ol": "\n\n", "li": "\n- ", "/li": "",
	"dl": "\n\n", "/dl": "\n\n", "dt": "\n", "/dt": "", "dd": " :: ", "/dd": "", "table": "\n\n", "/table": "\n\n", "tr": "\n|", "/tr": "", "td": " ", "/td": " |", "th": " ", "/th": " |",
	"b": "**", "/b": "**", "strong": "**", "/strong": "**", "a": "", "i": "", "em": "", "u": "", "span": "", "code": "", "sub": "", "sup": "", "small": "", "font": "", "center": "",
	"img": "", "figure": "\n", "/figure": "\n", "figcaption": "", "body": "", "html": "", "main": "", "thead": "", "tbody": "", "mark": "", "q": "", "cite": "", "abbr": "", "caption": "", "colgroup": "", "col": "",
	"meta": "", "link": "", "title": "", "!doctype": "", "details": "", "summary": "", "label": "", "input": "", "time": "", "kbd": "", "var": "", "s": "", "del": "", "ins": "", "strike": "", "tt": "",
}

// isHTML reports whether s contains a tag.
func isHTML(s string) bool {
	for at := strings.IndexByte(s, '<'); at >= 0; {
		if name, _ := tagAt(s[at:]); name != "" {
			return true
		}
		next := strings.IndexByte(s[at+1:], '<')
		if next < 0 {
			return false
		}
		at += 1 + next
	}
	return strings.Contains(s, "&nbsp;") || strings.Contains(s, "&amp;") || strings.Contains(s, "&lt;")
}

// tagAt returns the name of the tag that s begins with ("/p" for a closing one) and its length; ""
// if s does not begin with a known tag or a comment ("!--").
func tagAt(s string) (name string, length int) {
	if strings.HasPrefix(s, "<!--") {
		if end := strings.Index(s, "-->"); end > 0 {
			return "!--", end + 3
		}
		return "", 0
	}
	end := strings.IndexByte(s[:min(len(s), 2000)], '>')
	if end < 2 {
		return "", 0
	}
	name = strings.ToLower(s[1:end])
	if at := strings.IndexAny(name, " \t\n"); at > 0 {
		name = name[:at]
	}
	if len(name) > 1 {
		name = name[:1] + strings.TrimSuffix(name[1:], "/")
	}
	_, marked := marks[name]
	_, known := marks[strings.TrimPrefix(name, "/")]
	if _, skip := skipped[strings.TrimPrefix(name, "/")]; !marked && !known && !skip {
		return "", 0
	}
	return name, end + 1
}

// readHTML turns HTML into lines; unknown tags stay unchanged.
func (c *cleaner) readHTML(s string) string {
	var out strings.Builder
	var r row
	for len(s) > 0 {
		at := strings.IndexByte(s, '<')
		if at < 0 {
			break
		}
		out.WriteString(r.flatten(html.UnescapeString(s[:at])))
		s = s[at:]
		name, length := tagAt(s)
		if length == 0 {
			out.WriteByte('<')
			s = s[1:]
			continue
		}
		s = s[length:]
		if kind, skip := skipped[name]; skip {
			end := max(0, strings.Index(s, "</"+name), strings.Index(s, "</"+strings.ToUpper(name)))
			if s = s[end:]; kind != "" {
				c.dropped[kind]++
			}
			continue
		}
		if name == "img" {
			c.dropped["image"]++
		}
		out.WriteString(r.mark(name))
	}
	out.WriteString(html.UnescapeString(s))
	return strings.ReplaceAll(out.String(), "****", "")
}

// A row is the current row of a table or the current entry of a definition list. Its line ends become spaces.
type row struct {
	open    bool
	heads   bool // it has header cells only
	meaning bool // the entry has a meaning already
}

// flatten returns the text of a row without line ends, and other text unchanged.
func (r *row) flatten(s string) string {
	if r.open && strings.Contains(s, "\n") {
		if strings.TrimSpace(s) == "" {
			return ""
		}
		words := strings.Join(strings.Fields(s), " ")
		if s[0] <= ' ' {
			words = " " + words
		}
		if s[len(s)-1] <= ' ' {
			words += " "
		}
		return words
	}
	return s
}

// mark returns the replacement of a tag. It adds a rule below a row of header cells, and joins several
// meanings of a term.
func (r *row) mark(name string) string {
	switch name {
	case "tr", "dt":
		*r = row{open: true}
	case "th":
		r.heads = true
	case "td":
		r.heads = false
	case "dd":
		if r.meaning {
			return "; "
		}
		r.meaning = true
	case "/tr":
		heads := r.heads
		if *r = (row{open: true}); heads {
			return "\n|--|"
		}
	case "/dl", "/table", "table":
		*r = row{}
	default:
		if r.open && strings.HasPrefix(marks[name], "\n") {
			return " "
		}
	}
	return marks[name]
}
