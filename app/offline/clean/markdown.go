package clean

import (
	"strings"
)

// readMarkdown drops front matter and code, and turns links into their words.
func (c *cleaner) readMarkdown(lines []string) []string {
	lines = c.cutFrontMatter(lines)
	out := make([]string, 0, len(lines))
	fence := ""
	for i, line := range lines {
		flat := strings.TrimSpace(line)
		switch mark := fenceOf(flat); {
		case fence != "":
			if mark == fence {
				fence = ""
			}
		case mark != "" && closes(lines[i+1:], mark):
			fence = mark
			c.dropped["code block"]++
			out = append(out, "")
		case isIndentedCode(lines, i):
			c.dropped["code block"]++
		case isLinkTarget(flat):
			c.dropped["link address"]++
		default:
			out = append(out, c.readLine(line))
		}
	}
	return out
}

// cutFrontMatter drops a block of settings between two "---" or "+++" lines at the beginning.
func (c *cleaner) cutFrontMatter(lines []string) []string {
	for len(lines) > 0 && strings.TrimSpace(lines[0]) == "" {
		lines = lines[1:]
	}
	if len(lines) == 0 || lines[0] != "---" && lines[0] != "+++" {
		return lines
	}
	for i := 1; i < min(len(lines), 40); i++ {
		if strings.TrimSpace(lines[i]) == lines[0] && i > 1 {
			c.dropped["front matter"]++
			return lines[i+1:]
		}
		if !strings.ContainsAny(lines[i], ":=") && strings.TrimLeft(lines[i], " -") == lines[i] {
			return lines
		}
	}
	return lines
}

func fenceOf(flat string) string {
	if strings.HasPrefix(flat, "```") || strings.HasPrefix(flat, "~~~") {
		return flat[:3]
	}
	return ""
}

// maxCode is how many lines after a fence are searched for its end.
const maxCode = 2000

func closes(lines []string, fence string) bool {
	for _, line := range lines[:min(len(lines), maxCode)] {
		if strings.HasPrefix(strings.TrimSpace(line), fence) {
			return true
		}
	}
	return false
}

// isIndentedCode reports whether a line is indented and has the punctuation of a program.
func isIndentedCode(lines []string, i int) bool {
	line := lines[i]
	if !strings.HasPrefix(line, "    ") && !strings.HasPrefix(line, "\t") {
		return false
	}
	flat := strings.TrimSpace(line)
	return strings.HasSuffix(flat, ";") || strings.HasSuffix(flat, "{") || flat == "}" || strings.Contains(flat, "();") || strings.HasPrefix(flat, "$ ") ||
		strings.HasPrefix(flat, "import ") || strings.HasPrefix(flat, "def ") || strings.HasPrefix(flat, "return ")
}

// isLinkTarget reports whether a line is only the target of links: "[1]: http://…".
func isLinkTarget(flat string) bool {
	at := strings.Index(flat, "]: ")
	return strings.HasPrefix(flat, "[") && at > 0 && (isAddress(strings.Trim(flat[at+3:], "<> ")) || strings.HasPrefix(flat, "[^"))
}

// readLine resolves the inline marks of a line.
func (c *cleaner) readLine(line string) string {
	for strings.HasPrefix(strings.TrimLeft(line, " "), "> ") {
		line = strings.TrimPrefix(strings.TrimLeft(line, " "), "> ")
	}
	if strings.ContainsAny(line, "[!<{") {
		line = c.readLinks(line)
	}
	if at := strings.Index(line, "http"); at >= 0 && strings.Contains(line[at:], "://") {
		line = c.dropAddresses(line)
	}
	if strings.Contains(line, "(") {
		line = dropCitations(line)
	}
	if strings.Contains(line, " .") || strings.Contains(line, " ,") {
		line = closeUp.Replace(line + " ")
		line = line[:len(line)-1]
	}
	if strings.ContainsAny(line, "*_`~") {
		line = c.readEmphasis(line)
	}
	return line
}

// closeUp removes the space that a dropped word leaves before a comma or a full stop.
var closeUp = strings.NewReplacer(" . ", ". ", " , ", ", ")

// readLinks replaces [words](address) by the words and drops images, footnote marks, attribute
// lists ("{:…}") and check boxes.
func (c *cleaner) readLinks(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); {
		rest := s[i:]
		switch {
		case strings.HasPrefix(rest, "{:"):
			i += closing(rest, '{', '}')
		case strings.HasPrefix(rest, "[ ] "), strings.HasPrefix(rest, "[x] "):
			i += 4
		case rest[0] == '!' && strings.HasPrefix(rest, "!["):
			if words := closing(rest[1:], '[', ']'); words > 1 {
				i += 1 + words + targetLength(rest[1+words:])
				c.dropped["image"]++
				continue
			}
			out.WriteByte('!')
			i++
		case rest[0] == '[':
			words := closing(rest, '[', ']')
			target := targetLength(rest[words:])
			switch inner := rest[1:max(1, words-1)]; {
			case strings.HasPrefix(inner, "^"):
			case target > 0:
				out.WriteString(c.readLinks(inner))
				c.dropped["link address"]++
			default:
				out.WriteString(rest[:words])
			}
			i += words + target
		default:
			out.WriteByte(rest[0])
			i++
		}
	}
	return out.String()
}

// closing returns the length of the bracketed text at the start of s, or 1 if the bracket is not closed.
func closing(s string, open, shut byte) int {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case open:
			depth++
		case shut:
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 1
}

// targetLength returns the length of the link target at the start of s: "(address)" or
// "[name]".
func targetLength(s string) int {
	if strings.HasPrefix(s, "(") {
		if n := closing(s, '(', ')'); n > 2 && (!strings.Contains(s[:n], " ") || strings.Contains(s[:n], ` "`)) && strings.ContainsAny(s[1:2], "#/.hm") {
			return n
		}
	}
	if strings.HasPrefix(s, "[") {
		if n := closing(s, '[', ']'); n > 1 {
			return n
		}
	}
	return 0
}

// dropAddresses drops addresses from a line.
func (c *cleaner) dropAddresses(line string) string {
	words := strings.Split(line, " ")
	kept := words[:0]
	for _, w := range words {
		if isAddress(strings.Trim(w, "<>()")) {
			c.dropped["link address"]++
			continue
		}
		kept = append(kept, w)
	}
	return strings.Join(kept, " ")
}

// maxBold bounds the emphasised phrases that are kept, and their length in bytes.
const (
	maxBold      = 200
	maxBoldBytes = 60
)

// readEmphasis removes the marks of emphasis and code, and records the emphasised phrases.
func (c *cleaner) readEmphasis(s string) string {
	for _, mark := range []string{"**", "__", "*", "_"} {
		parts := strings.Split(s, mark)
		if len(parts) < 3 {
			continue
		}
		var out strings.Builder
		out.WriteString(parts[0])
		for i := 1; i < len(parts); i++ {
			inner := parts[i]
			marked := i+1 < len(parts) && inner != "" && strings.TrimSpace(inner) == inner && bounds(parts[i-1], parts[i+1])
			if !marked {
				out.WriteString(mark + inner)
				continue
			}
			if len(inner) <= maxBoldBytes && len(c.out.Bold) < maxBold {
				c.out.Bold = append(c.out.Bold, strings.Trim(inner, ".,:;*_"))
			}
			out.WriteString(inner + parts[i+1])
			i++
		}
		s = out.String()
	}
	return strings.NewReplacer("`", "", "~~", "").Replace(s)
}

// bounds reports whether marks between an emphasised text and the texts before and after it can be
// marks of emphasis: they are not inside a word.
func bounds(before, after string) bool {
	inWord := func(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' }
	return (before == "" || !inWord(before[len(before)-1])) && (after == "" || !inWord(after[0]))
}
