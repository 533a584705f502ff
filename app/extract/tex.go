package extract

import "strings"

// texSymbols converts the characters of formulas to TeX. Other characters stay unchanged.
var texSymbols = strings.NewReplacer(
	"×", `\times `, "÷", `\div `, "·", `\cdot `, "⋅", `\cdot `, "±", `\pm `, "∓", `\mp `, "≤", `\le `, "≥", `\ge `, "≠", `\ne `, "≈", `\approx `, "≡", `\equiv `, "∼", `\sim `, "∝", `\propto `,
	"∞", `\infty `, "∂", `\partial `, "∇", `\nabla `, "∑", `\sum `, "∏", `\prod `, "∫", `\int `, "∬", `\iint `, "∮", `\oint `, "√", `\sqrt `, "∈", `\in `, "∉", `\notin `, "⊂", `\subset `, "⊆", `\subseteq `,
	"∪", `\cup `, "∩", `\cap `, "∅", `\emptyset `, "∀", `\forall `, "∃", `\exists `, "¬", `\neg `, "∧", `\wedge `, "∨", `\vee `, "→", `\to `, "←", `\leftarrow `, "↔", `\leftrightarrow `, "⇒", `\Rightarrow `, "⇔", `\Leftrightarrow `,
	"α", `\alpha `, "β", `\beta `, "γ", `\gamma `, "δ", `\delta `, "ε", `\varepsilon `, "ϵ", `\epsilon `, "ζ", `\zeta `, "η", `\eta `, "θ", `\theta `, "ι", `\iota `, "κ", `\kappa `, "λ", `\lambda `, "μ", `\mu `, "ν", `\nu `, "ξ", `\xi `,
	"π", `\pi `, "ρ", `\rho `, "σ", `\sigma `, "τ", `\tau `, "υ", `\upsilon `, "φ", `\varphi `, "ϕ", `\phi `, "χ", `\chi `, "ψ", `\psi `, "ω", `\omega `,
	"Γ", `\Gamma `, "Δ", `\Delta `, "Θ", `\Theta `, "Λ", `\Lambda `, "Ξ", `\Xi `, "Π", `\Pi `, "Σ", `\Sigma `, "Φ", `\Phi `, "Ψ", `\Psi `, "Ω", `\Omega `,
	"ℝ", `\mathbb{R}`, "ℕ", `\mathbb{N}`, "ℤ", `\mathbb{Z}`, "ℚ", `\mathbb{Q}`, "ℂ", `\mathbb{C}`, "…", `\dots `, "⋯", `\cdots `, "′", `'`, "−", "-", "\u2061", "", "\u2062", "", "\u2063", "", "\u00a0", " ", "%", `\%`, "#", `\#`, "&", `\&`, "$", `\$`,
)

// texAccents are the accents of MathML and OMML.
var texAccents = map[string]string{
	"\u0302": "hat", "^": "hat", "ˆ": "hat", "\u0303": "tilde", "~": "tilde", "˜": "tilde", "\u0304": "bar", "\u0305": "bar", "¯": "bar", "‾": "bar", "\u20d7": "vec", "→": "vec", "\u0307": "dot", "˙": "dot", "\u0308": "ddot", "¨": "ddot",
}

// texFunctions are the function names that TeX sets upright.
var texFunctions = map[string]bool{"sin": true, "cos": true, "tan": true, "log": true, "ln": true, "exp": true, "lim": true, "max": true, "min": true, "det": true, "arcsin": true, "arccos": true, "arctan": true, "sinh": true, "cosh": true, "tanh": true, "sup": true, "inf": true, "gcd": true}

func tex(s string) string {
	return texSymbols.Replace(strings.NewReplacer(`\`, `\backslash `, "{", `\{`, "}", `\}`).Replace(s))
}

// group wraps TeX in braces, unless it is one character.
func group(s string) string {
	if s = strings.TrimSpace(s); len([]rune(s)) == 1 {
		return s
	}
	return "{" + s + "}"
}

// function converts the name of a function to TeX.
func function(name string) string {
	name = strings.TrimSpace(name)
	if texFunctions[name] {
		return `\` + name + " "
	}
	return name
}

// inlineFormula returns TeX as an inline formula in Markdown; "" stays "".
func inlineFormula(tex string) string {
	if tex = oneLine(tex); tex == "" {
		return ""
	}
	return "$" + tex + "$"
}

// displayFormula returns TeX as a formula on a line of its own.
func displayFormula(tex string) string {
	if tex = oneLine(tex); tex == "" {
		return ""
	}
	return "$$" + tex + "$$"
}

// displayAlone converts a paragraph that consists of one formula to a display formula.
func displayAlone(text string) string {
	inside, begins := strings.CutPrefix(strings.TrimSpace(text), "$")
	inside, ends := strings.CutSuffix(inside, "$")
	if !begins || !ends || strings.Contains(inside, "$") {
		return text
	}
	return displayFormula(inside)
}
