package clean

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxHeader bounds the lines that can be a page header, in bytes.
const maxHeader = 90

// repeatsOfHeader is the number of occurrences from which a short line with a number, or one next to
// a page number, counts as a page header.
const repeatsOfHeader = 3

// dropFurniture drops page numbers, page headers and navigation. A paragraph that they interrupt
// continues.
func (c *cleaner) dropFurniture(lines []string) []string {
	seen := make(map[string]int)
	for _, line := range lines {
		if key := headerKey(line); key != "" {
			seen[key]++
		}
	}
	out := make([]string, 0, len(lines))
	broken := false // by furniture, since the last line kept
	for i, line := range lines {
		kind := furniture(line)
		if kind == "" && (seen[headerKey(line)] >= repeatsOfHeader || kind == "" && isRunningHead(lines, i)) {
			kind = "page header"
		}
		if kind != "" {
			c.dropped[kind]++
			broken = true
			continue
		}
		if broken && strings.TrimSpace(line) != "" {
			out = resume(out, line)
			broken = false
		}
		out = append(out, line)
	}
	return out
}

// resume removes the blank lines before line if it continues the sentence before them.
func resume(out []string, line string) []string {
	end := len(out)
	for end > 0 && strings.TrimSpace(out[end-1]) == "" {
		end--
	}
	if end == 0 || end == len(out) {
		return out
	}
	last, _ := utf8.DecodeLastRuneInString(strings.TrimSpace(out[end-1]))
	first, _ := utf8.DecodeRuneInString(strings.TrimSpace(line))
	if (unicode.IsLetter(last) || last == ',' || last == '-') && unicode.IsLower(first) {
		return out[:end]
	}
	return out
}

// headerKey returns the part that all repetitions of a page header have in common; "" for a line that
// cannot be a page header.
func headerKey(line string) string {
	flat := strings.TrimSpace(line)
	if len(flat) < 8 || len(flat) > maxHeader || strings.ContainsAny(flat[:1], "#-*|•") || strings.ContainsAny(flat, "?{\t=") || strings.Count(flat, " ") < 2 {
		return ""
	}
	if last := flat[len(flat)-1]; strings.ContainsRune(".!:,;", rune(last)) {
		return ""
	}
	return strings.Trim(flat, "0123456789 ")
}

// isRunningHead reports whether a line next to a page number is a page header: it contains a bullet or
// a bar, or is the licence line of an OpenStax book.
func isRunningHead(lines []string, i int) bool {
	flat := strings.TrimSpace(lines[i])
	if flat == "" || len(flat) > maxHeader || !strings.Contains(flat, "•") && !strings.Contains(flat, "|") && !strings.HasPrefix(flat, "Access for free") {
		return false
	}
	near := func(j int) bool { return j >= 0 && j < len(lines) && furniture(lines[j]) == "page number" }
	return near(i-1) || near(i+1)
}

// furniture returns the kind of a line that is not learning material, or "".
func furniture(line string) string {
	flat := strings.TrimSpace(line)
	low := strings.ToLower(flat)
	switch {
	case flat == "":
		return ""
	case isPageNumber(low):
		return "page number"
	case isNumberRow(flat):
		return "row of numbers"
	case strings.Contains(flat, "....") || strings.Contains(flat, ". . . ."), isNavigation(flat, low):
		return "navigation line"
	case strings.HasPrefix(low, "#separator:"), strings.HasPrefix(low, "#html:"), strings.HasPrefix(low, "#tags column:"), strings.HasPrefix(low, "#deck"), strings.HasPrefix(low, "#notetype"):
		return "navigation line" // of a file of Anki cards
	case strings.HasPrefix(low, "copyright ©"), strings.HasPrefix(low, "©"), strings.HasPrefix(low, "all rights reserved"):
		return "page header"
	default:
		return ""
	}
}

// isNumberRow reports whether a line is a row of a table that lost its columns: half of its words are
// numbers.
func isNumberRow(flat string) bool {
	words, numbers := 0, 0
	for w := range strings.FieldsSeq(flat) {
		words++
		if strings.Trim(w, "0123456789.,$€£%+-–") == "" {
			numbers++
		}
	}
	return numbers > 3 && numbers*2 >= words
}

func isPageNumber(low string) bool {
	low = strings.Trim(low, "-–—[]() ")
	for _, word := range []string{"page ", "p. ", "seite ", "página ", "slide "} {
		low = strings.TrimPrefix(low, word)
	}
	first, rest, _ := strings.Cut(low, " ")
	isNumber := func(s string) bool { return len(s) < 5 && s != "" && strings.Trim(s, "0123456789") == "" }
	for _, of := range []string{"of ", "/ ", "von ", "de ", "sur "} {
		if after, ok := strings.CutPrefix(rest, of); ok && isNumber(first) && isNumber(after) {
			return true
		}
	}
	one, other, _ := strings.Cut(first, "/")
	return rest == "" && isNumber(one) && (other == "" || isNumber(other))
}

// menu are the lines of a page's navigation.
var menu = map[string]bool{
	"skip to content": true, "skip to main content": true, "jump to navigation": true, "jump to search": true, "table of contents": true, "contents": true, "toggle navigation": true,
	"back to top": true, "read more": true, "previous": true, "next": true, "share": true, "share this": true, "log in": true, "login": true, "sign up": true, "sign in": true, "subscribe": true,
	"menu": true, "search": true, "home": true, "accept all cookies": true, "accept cookies": true, "cookie settings": true, "print": true, "edit": true, "advertisement": true, "privacy policy": true,
}

// isNavigation reports whether a line is part of a menu: a known entry, or three or more short entries
// in a row.
func isNavigation(flat, low string) bool {
	if menu[strings.Trim(low, "«»<>←→↑#-* ")] {
		return true
	}
	if strings.HasPrefix(flat, "|") {
		return false
	}
	for _, sep := range []string{" | ", " › ", " » ", " > ", " · "} {
		if strings.Count(flat, sep) < 2 {
			continue
		}
		short := true
		for part := range strings.SplitSeq(flat, sep) {
			short = short && strings.Count(strings.TrimSpace(part), " ") < 3
		}
		if short && (sep != " | " || strings.Contains(low, "home") || strings.Contains(low, "about") || strings.Contains(low, "contact")) {
			return true
		}
	}
	return false
}

// hyphenated are the first parts of words that keep their hyphen at the end of a line.
var hyphenated = map[string]bool{
	"self": true, "non": true, "well": true, "anti": true, "ex": true, "half": true, "all": true, "cross": true, "long": true, "short": true, "high": true, "low": true,
	"large": true, "small": true, "full": true, "part": true, "two": true, "three": true, "four": true, "first": true, "second": true, "third": true, "so": true, "post": true, "pre": true, "light": true, "free": true,
}

// joinHyphens joins words that were divided at the end of a line.
func joinHyphens(lines []string) []string {
	for i := 0; i+1 < len(lines); i++ {
		line := strings.TrimRight(lines[i], " ")
		next := strings.TrimLeft(lines[i+1], " ")
		if !strings.HasSuffix(line, "-") || strings.HasSuffix(line, "--") || next == "" {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(line[:len(line)-1])
		first, _ := utf8.DecodeRuneInString(next)
		if !unicode.IsLetter(before) || !unicode.IsLower(first) {
			continue
		}
		head, rest, _ := strings.Cut(next, " ")
		if word := line[strings.LastIndexByte(line, ' ')+1 : len(line)-1]; !hyphenated[strings.ToLower(word)] {
			line = line[:len(line)-1]
		}
		lines[i], lines[i+1] = line+head, rest
	}
	return lines
}

// Bounds of a list that belongs to the sentence before it.
const (
	maxJoinedItems = 8
	maxJoinedItem  = 130 // bytes
	maxJoinedList  = 480
)

// joinLists appends a short list to the line with a colon that announces it: "The parts are:" and
// its items become one sentence.
func joinLists(lines []string) []string {
	out := make([]string, 0, len(lines))
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		flat := strings.TrimSpace(line)
		if strings.HasSuffix(flat, ":") && strings.Count(flat, " ") >= 3 && !strings.HasPrefix(flat, "#") && !isItem(flat) {
			if items, next := itemsAfter(lines, i+1); len(items) > 1 && len(flat)+len(strings.Join(items, "")) < maxJoinedList {
				line = flat + " " + strings.Join(items, "; ") + "."
				i = next - 1
			}
		}
		out = append(out, line)
	}
	return out
}

// itemsAfter returns the items of the list at line i, and the line after it; nil if there is no
// list, or one that is too long to be part of a sentence.
func itemsAfter(lines []string, i int) (items []string, next int) {
	for ; i < len(lines); i++ {
		flat := strings.TrimSpace(lines[i])
		switch {
		case flat == "":
			if len(items) > 0 && (i+1 == len(lines) || !isItem(strings.TrimSpace(lines[i+1]))) {
				return items, i
			}
		case !isItem(flat):
			if len(items) == 0 {
				return nil, i
			}
			return items, i
		default:
			item := strings.TrimRight(itemText(flat), ".;,")
			if len(item) > maxJoinedItem || strings.Contains(item, ". ") || strings.ContainsAny(item, "\t=?") || strings.Contains(item, ": ") || strings.Contains(item, " - ") || strings.Contains(item, " – ") || len(items) == maxJoinedItems {
				return nil, i
			}
			items = append(items, item)
		}
	}
	return items, i
}

// isItem reports whether a line begins with the mark of a list item.
func isItem(flat string) bool { return itemText(flat) != flat }

// itemText returns a line without the mark of its list item.
func itemText(flat string) string {
	r, size := utf8.DecodeRuneInString(flat)
	if strings.ContainsRune("-*+•‣◦▪·–—●○", r) && strings.HasPrefix(flat[size:], " ") {
		return strings.TrimSpace(flat[size:])
	}
	i := 0
	for i < len(flat) && i < 3 && flat[i] >= '0' && flat[i] <= '9' {
		i++
	}
	if i > 0 && i+1 < len(flat) && (flat[i] == '.' || flat[i] == ')') && flat[i+1] == ' ' {
		return strings.TrimSpace(flat[i+2:])
	}
	return flat
}
