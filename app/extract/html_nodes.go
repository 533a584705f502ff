package extract

import (
	"strings"

	"golang.org/x/net/html"
)

func textOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

func value(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name || a.Namespace+":"+a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttribute(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func hasClass(n *html.Node, class string) bool {
	for name := range strings.FieldsSeq(value(n, "class")) {
		if name == class {
			return true
		}
	}
	return false
}
