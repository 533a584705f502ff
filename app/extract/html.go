package extract

import (
	"encoding/xml"
	"strconv"
	"strings"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	tables "github.com/JohannesKaufmann/html-to-markdown/v2/plugin/table"
	"golang.org/x/net/html"
)

// readHTML reads an HTML page.
func readHTML(data []byte, _ Options, w *writer) (Document, error) {
	text, ok := decodeText(data)
	if !ok {
		return Document{}, damaged(HTML, nil)
	}
	title, markdown, err := convertHTML(text)
	if err != nil {
		return Document{}, damaged(HTML, err)
	}
	w.add(markdown)
	return Document{Title: title}, nil
}

// convertHTML converts an HTML page to Markdown.
func convertHTML(page string) (title, markdown string, err error) {
	document, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return "", "", err
	}
	c := &cleaner{}
	c.clean(document, 0)
	out, err := newConverter().ConvertNode(document)
	if err != nil {
		return "", "", err
	}
	return c.title, tidyMarkdown(c.restore(string(out))), nil
}

func newConverter() *converter.Converter {
	return converter.NewConverter(converter.WithPlugins(base.NewBasePlugin(),
		commonmark.NewCommonmarkPlugin(commonmark.WithListEndComment(false), commonmark.WithBulletListMarker("-"), commonmark.WithEmDelimiter("*")),
		tables.NewTablePlugin(tables.WithHeaderPromotion(true), tables.WithSkipEmptyRows(true), tables.WithNewlineBehavior(tables.NewlineBehaviorSkip))))
}

// tidyMarkdown removes trailing spaces and repeated empty lines, except in code blocks.
func tidyMarkdown(s string) string {
	var b strings.Builder
	empty, code := true, false
	for line := range strings.SplitSeq(s, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			code = !code
		}
		trimmed := strings.TrimRight(line, " \t")
		if !code && trimmed == "" && empty {
			continue
		}
		if !code {
			line = trimmed
		}
		if !code && empty && strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "  ") {
			line = line[1:] // a space between words, where a page break was inserted
		}
		empty = trimmed == ""
		b.WriteString(line + "\n")
	}
	return b.String()
}

// cleaner prepares a page for the converter: it removes non-text elements, keeps only links with an absolute target, and
// replaces formulas by placeholders, because the converter would escape their content. restore puts the formulas back.
type cleaner struct {
	title    string
	formulas []string
}

// unwanted are elements that do not contain text of the page.
var unwanted = map[string]bool{"script": true, "style": true, "noscript": true, "nav": true, "form": true, "button": true, "select": true, "textarea": true, "input": true, "iframe": true, "object": true, "embed": true,
	"svg": true, "canvas": true, "audio": true, "video": true, "template": true, "dialog": true, "link": true, "meta": true, "img": true, "picture": true, "map": true}

// maxHTMLDepth limits the nesting depth of a page, because the converter is recursive. Deeper elements are removed.
const maxHTMLDepth = 400

func (c *cleaner) clean(n *html.Node, depth int) {
	for child := n.FirstChild; child != nil; {
		next := child.NextSibling
		if replacement, drop := c.replace(child); drop || depth > maxHTMLDepth {
			if replacement != "" {
				n.InsertBefore(&html.Node{Type: html.TextNode, Data: replacement}, child)
			}
			n.RemoveChild(child)
		} else {
			c.clean(child, depth+1)
		}
		child = next
	}
}

// replace decides what happens to a node: it stays, or it is replaced by a text.
func (c *cleaner) replace(n *html.Node) (text string, drop bool) {
	switch {
	case n.Type == html.CommentNode:
		return "", true
	case n.Type == html.TextNode:
		if n.Parent.Data != "code" && n.Parent.Data != "pre" {
			n.Data = putAway.Replace(c.protect(n.Data))
		}
		return "", false
	case n.Type != html.ElementNode:
		return "", false
	case n.Data == "title":
		if c.title == "" {
			c.title = oneLine(textOf(n))
		}
		return "", true
	case n.Data == "math":
		return c.keep(formulaOf(n)), true
	case n.Data == "script" && strings.HasPrefix(value(n, "type"), "math/tex"):
		return c.keep(inlineFormula(textOf(n))), true
	case unwanted[n.Data], hasAttribute(n, "hidden"), hasClass(n, "katex-html"), hasClass(n, "MathJax_Preview"), hasClass(n, "MathJax"):
		return "", true
	case isPageBreak(n):
		return c.keepPage(n), true
	case n.Data == "a" && !leads(value(n, "href")):
		n.Data, n.DataAtom, n.Attr = "span", 0, nil
	}
	return "", false
}

func leads(href string) bool {
	return strings.HasPrefix(href, "http://") || strings.HasPrefix(href, "https://") || strings.HasPrefix(href, "mailto:")
}

func isPageBreak(n *html.Node) bool {
	return value(n, "epub:type") == "pagebreak" || value(n, "role") == "doc-pagebreak"
}

// keepPage returns a placeholder for the number of a printed page.
func (c *cleaner) keepPage(n *html.Node) string {
	for _, s := range []string{value(n, "title"), value(n, "aria-label"), textOf(n)} {
		if page := smallNumber(strings.Trim(s, " .Ppage")); page > 0 {
			return c.keep("\n\n<!-- page " + strconv.Itoa(page) + " -->\n\n")
		}
	}
	return ""
}

// A placeholder for a formula is a number between two characters of the private use area, which the converter does not
// change.
const awayBegins, awayEnds = "\ue010", "\ue011"

// putAway and bringBack do the same with characters that the converter would write as entities, which would be visible
// in the text.
var (
	putAway   = strings.NewReplacer("<", "\ue012", ">", "\ue013", "&", "\ue014")
	bringBack = strings.NewReplacer("\ue012", "<", "\ue013", ">", "\ue014", "&")
	notOurs   = strings.NewReplacer(awayBegins, "", awayEnds, "", "\ue012", "", "\ue013", "", "\ue014", "")
)

func (c *cleaner) keep(formula string) string {
	if formula == "" {
		return ""
	}
	c.formulas = append(c.formulas, formula)
	return awayBegins + strconv.Itoa(len(c.formulas)-1) + awayEnds
}

// protect replaces the formulas of a text by placeholders: between dollar signs, and as \(…\) and \[…\].
func (c *cleaner) protect(s string) string {
	s = notOurs.Replace(s)
	if !strings.ContainsAny(s, `$\`) {
		return s
	}
	var b strings.Builder
	for s != "" {
		begin, length, formula := findFormula(s)
		if length == 0 {
			break
		}
		b.WriteString(s[:begin])
		b.WriteString(c.keep(formula))
		s = s[begin+length:]
	}
	return b.String() + s
}

// maxFormula is the maximum length of a formula in a text; if the next dollar sign is further away, it means money.
const maxFormula = 2000

// findFormula finds the first formula of s; length is 0 if there is none.
func findFormula(s string) (begin, length int, formula string) {
	for i := range len(s) {
		rest := s[i:]
		for _, d := range []struct{ open, close string }{{"$$", "$$"}, {`\[`, `\]`}, {`\(`, `\)`}, {"$", "$"}} {
			if !strings.HasPrefix(rest, d.open) {
				continue
			}
			inside := rest[len(d.open):]
			end := strings.Index(inside[:min(len(inside), maxFormula)], d.close)
			if end <= 0 || d.open == "$" && !isFormula(inside[:end], inside[end+1:]) {
				continue
			}
			length = len(d.open) + end + len(d.close)
			if d.open == "$" || d.open == `\(` {
				return i, length, inlineFormula(inside[:end])
			}
			return i, length, displayFormula(inside[:end])
		}
	}
	return 0, 0, ""
}

// isFormula distinguishes a formula between dollar signs from two amounts of money by Pandoc's rule: no space inside
// the dollar signs and no digit after them.
func isFormula(inside, after string) bool {
	return !strings.HasPrefix(inside, " ") && !strings.HasSuffix(inside, " ") && !strings.Contains(inside, "\n\n") && (after == "" || after[0] < '0' || after[0] > '9')
}

// restore puts the formulas and the characters back.
func (c *cleaner) restore(markdown string) string {
	markdown = bringBack.Replace(markdown)
	if len(c.formulas) == 0 {
		return markdown
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(markdown, awayBegins)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		number, after, _ := strings.Cut(rest, awayEnds)
		if i, err := strconv.Atoi(number); err == nil && i < len(c.formulas) {
			b.WriteString(c.formulas[i])
		}
		markdown = after
	}
}

// formulaOf converts a <math> element.
func formulaOf(n *html.Node) string {
	t := mathTeX(nodeOf(n, 0))
	if value(n, "display") == "block" {
		return displayFormula(t)
	}
	return inlineFormula(t)
}

// nodeOf copies an HTML tree.
func nodeOf(n *html.Node, depth int) *node {
	if n.Type == html.TextNode {
		return &node{text: n.Data}
	}
	out := &node{name: strings.TrimPrefix(n.Data, "m:")}
	for _, a := range n.Attr {
		out.attrs = append(out.attrs, xml.Attr{Name: xml.Name{Local: a.Key}, Value: a.Val})
	}
	for c := n.FirstChild; c != nil && depth < maxDepth; c = c.NextSibling {
		if c.Type == html.TextNode || c.Type == html.ElementNode {
			out.children = append(out.children, nodeOf(c, depth+1))
		}
	}
	return out
}
