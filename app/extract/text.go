package extract

import "strings"

// readText copies the text unchanged.
func readText(data []byte, _ Options, w *writer) (Document, error) {
	text, _ := decodeText(data) // detect has checked it
	w.add(trimLines(text))
	return Document{}, nil
}

// readMarkdown copies Markdown unchanged, without front matter.
func readMarkdown(data []byte, _ Options, w *writer) (Document, error) {
	text, _ := decodeText(data)
	title, body := frontMatter(text)
	w.add(trimLines(body))
	return Document{Title: title}, nil
}

// maxFrontMatter limits the number of lines of front matter.
const maxFrontMatter = 100

// frontMatter separates the properties between lines of three dashes from the text, and returns the title in them.
func frontMatter(text string) (title, body string) {
	rest, found := strings.CutPrefix(text, "---\n")
	if !found {
		return "", text
	}
	for range maxFrontMatter {
		line, after, more := strings.Cut(rest, "\n")
		rest = after
		if line == "---" || line == "..." {
			return title, after
		}
		if value, is := strings.CutPrefix(line, "title:"); is {
			title = strings.Trim(strings.TrimSpace(value), `"'`)
		}
		if !more {
			break
		}
	}
	return "", text
}

// trimLines removes trailing spaces and more than two empty lines in a row.
func trimLines(text string) string {
	var b strings.Builder
	empty := 0
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, " \t")
		if line == "" {
			if empty++; empty > 2 {
				continue
			}
		} else {
			empty = 0
		}
		b.WriteString(line + "\n")
	}
	return strings.Trim(b.String(), "\n") + "\n"
}
