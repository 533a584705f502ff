package extract

import (
	"strings"
	"sync"
)

// ommlTeX converts a formula of Word or PowerPoint (Office Math Markup, ECMA-376 part 1, section 22.1) to TeX. An
// unknown element is replaced by its content.
func ommlTeX(n *node) string {
	if n == nil {
		return ""
	}
	if convert := omml()[n.name]; convert != nil {
		return convert(n)
	}
	return ommlContent(n)
}

func ommlContent(n *node) string {
	var b strings.Builder
	for _, c := range n.elements() {
		b.WriteString(ommlTeX(c))
	}
	return b.String()
}

// omml returns the converters of the elements that are more than their content.
func omml() map[string]func(*node) string { return ommlOnce() }

var ommlOnce func() map[string]func(*node) string

func init() { ommlOnce = sync.OnceValue(ommlConverters) } // set here, because the converters use omml

func ommlConverters() map[string]func(*node) string {
	part := func(n *node, name string) string { return ommlTeX(n.child(name)) }
	drop := func(*node) string { return "" }
	return map[string]func(*node) string{
		"rPr": drop, "ctrlPr": drop, "sSupPr": drop, "fPr": drop, "dPr": drop, "naryPr": drop, "radPr": drop, "accPr": drop, "mPr": drop, "eqArrPr": drop, "oMathParaPr": drop, "pPr": drop,
		"t": func(n *node) string { return tex(n.allText()) },
		"f": func(n *node) string {
			return `\frac{` + strings.TrimSpace(part(n, "num")) + "}{" + strings.TrimSpace(part(n, "den")) + "}"
		},
		"sSup":    func(n *node) string { return part(n, "e") + "^" + group(part(n, "sup")) },
		"sSub":    func(n *node) string { return part(n, "e") + "_" + group(part(n, "sub")) },
		"sSubSup": func(n *node) string { return part(n, "e") + "_" + group(part(n, "sub")) + "^" + group(part(n, "sup")) },
		"sPre": func(n *node) string {
			return "{}_" + group(part(n, "sub")) + "^" + group(part(n, "sup")) + part(n, "e")
		},
		"rad": func(n *node) string {
			if degree := strings.TrimSpace(part(n, "deg")); degree != "" {
				return `\sqrt[` + degree + "]{" + part(n, "e") + "}"
			}
			return `\sqrt{` + part(n, "e") + "}"
		},
		"nary":   ommlNary,
		"d":      ommlDelimiters,
		"func":   func(n *node) string { return function(part(n, "fName")) + part(n, "e") },
		"limLow": func(n *node) string { return function(part(n, "e")) + "_" + group(part(n, "lim")) },
		"limUpp": func(n *node) string { return function(part(n, "e")) + "^" + group(part(n, "lim")) },
		"bar":    func(n *node) string { return `\overline{` + part(n, "e") + "}" },
		"acc": func(n *node) string {
			accent := texAccents[n.child("accPr").child("chr").attr("val")]
			if accent == "" {
				accent = "hat" // Word's default
			}
			return `\` + accent + "{" + part(n, "e") + "}"
		},
		"m":     func(n *node) string { return ommlRows(n, "mr", "matrix") },
		"eqArr": func(n *node) string { return ommlRows(n, "e", "aligned") },
	}
}

func ommlNary(n *node) string {
	operator := n.child("naryPr").child("chr").attr("val")
	if operator == "" {
		operator = "∫"
	}
	out := strings.TrimSpace(tex(operator))
	if lower := strings.TrimSpace(ommlTeX(n.child("sub"))); lower != "" {
		out += "_" + group(lower)
	}
	if upper := strings.TrimSpace(ommlTeX(n.child("sup"))); upper != "" {
		out += "^" + group(upper)
	}
	return out + " " + ommlTeX(n.child("e"))
}

func ommlDelimiters(n *node) string {
	properties := n.child("dPr")
	side := func(name, otherwise string) string {
		c := properties.child(name)
		if c == nil {
			return otherwise
		}
		if value := c.attr("val"); value != "" {
			return tex(value)
		}
		return "."
	}
	var parts []string
	for _, c := range n.elements() {
		if c.name == "e" {
			parts = append(parts, ommlTeX(c))
		}
	}
	left, right := side("begChr", "("), side("endChr", ")")
	if left == "." && right == "." {
		return strings.Join(parts, ",")
	}
	return `\left` + left + strings.Join(parts, ",") + `\right` + right
}

func ommlRows(n *node, row, environment string) string {
	var rows []string
	for _, r := range n.elements() {
		if r.name != row {
			continue
		}
		if row == "e" {
			rows = append(rows, ommlTeX(r))
			continue
		}
		var cells []string
		for _, cell := range r.elements() {
			cells = append(cells, ommlTeX(cell))
		}
		rows = append(rows, strings.Join(cells, " & "))
	}
	return `\begin{` + environment + "} " + strings.Join(rows, ` \\ `) + ` \end{` + environment + "}"
}
