package clean

import "strings"

// maxCitation bounds a citation, in bytes.
const maxCitation = 90

// dropCitations drops citations such as "(Keller and Moss 1974)". It keeps a year alone, because that
// belongs to the name before it.
func dropCitations(line string) string {
	var out strings.Builder
	for {
		at := strings.IndexByte(line, '(')
		if at < 0 {
			break
		}
		end := at + closing(line[at:], '(', ')')
		out.WriteString(line[:at])
		if inner := line[at+1 : max(at+1, end-1)]; isCitation(inner) || isPointer(inner) {
			kept := strings.TrimRight(out.String(), " ")
			out.Reset()
			out.WriteString(kept)
		} else {
			out.WriteString(line[at:end])
		}
		line = line[end:]
	}
	return out.String() + line
}

// isPointer reports whether the text of a bracket is empty, as when a link was lost, or only refers to a figure, a table or
// another chapter.
func isPointer(s string) bool {
	words := strings.Fields(strings.ToLower(strings.Trim(s, " .,;")))
	if len(words) > 0 && words[0] == "see" {
		words = words[1:]
	}
	return len(words) == 0 && strings.Trim(s, " .,;") == "" || len(words) > 0 && len(words) < 5 && pointing[strings.TrimRight(words[0], ".s")] && strings.ContainsAny(s, "0123456789")
}

// pointing are the first words of pointers, without a final "s" or full stop.
var pointing = map[string]bool{"figure": true, "fig": true, "table": true, "chapter": true, "section": true, "appendix": true, "box": true, "equation": true, "eq": true, "exhibit": true, "abbildung": true, "abb": true, "tabelle": true, "kapitel": true}

// isCitation reports whether the text of a bracket is one or more names with a year.
func isCitation(s string) bool {
	if len(s) > maxCitation || s == "" || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	years := 0
	for i, w := range strings.Fields(s) {
		w = strings.Trim(w, ",;.ab")
		if len(w) == 4 && strings.Trim(w, "0123456789") == "" && i > 0 {
			years++
		} else if !citing[w] && (w[0] < 'A' || w[0] > 'Z') {
			return false
		}
	}
	return years > 0 && !strings.ContainsAny(s[:3], "0123456789") && !months[s[:3]]
}

// citing are the function words of citations, and the letters after a year.
var citing = map[string]bool{"": true, "&": true, "nd": true, "et": true, "l": true, "p": true, "pp": true}

// months begin dates, which are not citations.
var months = map[string]bool{"Jan": true, "Feb": true, "Mar": true, "Apr": true, "May": true, "Jun": true, "Jul": true, "Aug": true, "Sep": true, "Oct": true, "Nov": true, "Dec": true}
