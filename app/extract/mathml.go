package extract

import "strings"

// mathTeX converts presentation MathML to TeX: from HTML, EPUB and OpenDocument. If an annotation contains TeX, it is
// used unchanged.
func mathTeX(n *node) string {
	if annotation := texAnnotation(n); annotation != "" {
		return annotation
	}
	return mathML(n)
}

func texAnnotation(n *node) string {
	if n == nil {
		return ""
	}
	if n.name == "annotation" && strings.Contains(strings.ToLower(n.attr("encoding")), "tex") {
		return strings.TrimSpace(n.allText())
	}
	for _, c := range n.children {
		if found := texAnnotation(c); found != "" {
			return found
		}
	}
	return ""
}

func mathML(n *node) string {
	parts := n.elements()
	at := func(i int) string {
		if i < len(parts) {
			return mathML(parts[i])
		}
		return ""
	}
	switch n.name {
	case "annotation", "annotation-xml", "mspace", "mphantom", "none", "mprescripts":
		return ""
	case "mi":
		return mathIdentifier(n.allText())
	case "mn", "mo", "ms":
		return tex(strings.TrimSpace(n.allText()))
	case "mtext":
		return `\text{` + strings.NewReplacer("{", "", "}", "", `\`, "").Replace(n.allText()) + "}"
	case "msup":
		return at(0) + "^" + group(at(1))
	case "msub":
		return at(0) + "_" + group(at(1))
	case "msubsup", "munderover":
		return at(0) + "_" + group(at(1)) + "^" + group(at(2))
	case "munder":
		return at(0) + "_" + group(at(1))
	case "mover":
		if len(parts) > 1 {
			if accent := texAccents[strings.TrimSpace(parts[1].allText())]; accent != "" {
				return `\` + accent + "{" + at(0) + "}"
			}
		}
		return at(0) + "^" + group(at(1))
	case "mfrac":
		return `\frac{` + at(0) + "}{" + at(1) + "}"
	case "msqrt":
		return `\sqrt{` + mathContent(n) + "}"
	case "mroot":
		return `\sqrt[` + at(1) + "]{" + at(0) + "}"
	case "mfenced":
		return mathFence(n, parts)
	case "mtable":
		return mathRows(parts)
	default:
		return mathContent(n)
	}
}

func mathContent(n *node) string {
	var b strings.Builder
	for _, c := range n.elements() {
		b.WriteString(mathML(c))
	}
	return b.String()
}

func mathIdentifier(name string) string {
	name = strings.TrimSpace(name)
	if texFunctions[name] {
		return function(name)
	}
	converted := tex(name)
	if len([]rune(name)) > 1 && converted == name {
		return `\mathrm{` + name + "}"
	}
	return converted
}

func mathFence(n *node, parts []*node) string {
	left, right := n.attr("open"), n.attr("close")
	if left == "" {
		left = "("
	}
	if right == "" {
		right = ")"
	}
	var inside []string
	for _, p := range parts {
		inside = append(inside, mathML(p))
	}
	return tex(left) + strings.Join(inside, ",") + tex(right)
}

func mathRows(parts []*node) string {
	var rows []string
	for _, r := range parts {
		var cells []string
		for _, cell := range r.elements() {
			cells = append(cells, mathML(cell))
		}
		rows = append(rows, strings.Join(cells, " & "))
	}
	return `\begin{matrix} ` + strings.Join(rows, ` \\ `) + ` \end{matrix}`
}
