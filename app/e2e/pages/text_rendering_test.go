package pages_test

import (
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
	"studysharper/loadtest/fakellm"
)

// lesson is an answer with everything that models write.
const lesson = "# Energy\n\nThe law $E = mc^2$ and\n\n$$\n\\int_0^1 x^2\\,dx = \\frac{1}{3}\n$$\n\n1. first\n2. second\n   - nested `code`\n\n" +
	"| quantity | unit |\n| --- | ---: |\n| force | *newton* |\n| energy | **joule** |\n\n```go\nfunc main() { fmt.Println(\"$5\") }\n```\n\n" +
	"> quoted\n\nSee [a page](https://example.org/a_(b)), [a trap](javascript:alert(1)), ![a picture](https://example.org/p.png) and https://example.org/x?y=1. " +
	"It costs $5 or $6, snake_case_name stays. \\(a^2\\) and \\[b^2\\] too. Broken: $\\frac{1}{$. Long: $\\def\\a{\\a\\a}\\a$."

func TestAnAnswerIsRenderedAsItIsMeant(t *testing.T) {
	upstream := fakellm.New(fakellm.Options{Answer: func(fakellm.Request) string { return lesson }})
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+testkit.HTTPServer(t, upstream.ServeHTTP)+"/v1")
	w := visit(t, s.URL, desktop)
	if n := w.requests("katex"); n != 0 {
		t.Error("KaTeX is loaded without a formula")
	}
	w.say("Teach me")
	w.until("document.querySelectorAll('.said.assistant .prose:not(.growing) math').length === 4")
	for selector, want := range map[string]string{
		"[role=heading][aria-level='4']": "Energy", "ol > li:nth-child(2) > ul code": "code", "th:nth-child(2)": "unit", "tbody tr:nth-child(2) td.far strong": "joule",
		"pre code": `func main() { fmt.Println("$5") }`, "blockquote p": "quoted", "a[href='https://example.org/a_(b)']": "a page",
		"a[href='https://example.org/p.png']": "a picture", "a[href='https://example.org/x?y=1']": "https://example.org/x?y=1",
	} {
		if got := eval[string](w, "document.querySelector(`.said.assistant .prose "+selector+"`)?.textContent ?? 'nothing'"); got != want {
			t.Errorf("%s is %q, want %q", selector, got, want)
		}
	}
	text := w.text(".said.assistant .prose")
	for _, want := range []string{"[a trap](javascript:alert(1))", "$5 or $6", "snake_case_name stays"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %q", want, text)
		}
	}
	if kept := eval[[]string](w, "[...document.querySelectorAll('.said.assistant .formula > code')].map(c => c.textContent)"); len(kept) != 2 {
		t.Errorf("formulas that cannot be set show %q", kept)
	}
	if n := eval[int](w, "document.querySelectorAll('.said.assistant img').length"); n != 0 {
		t.Errorf("%d pictures of other hosts", n)
	}
	if dir := eval[string](w, "document.querySelector('.said.assistant .prose').dir + ' ' + document.querySelector('.said.assistant .prose').lang"); dir != "auto en" {
		t.Errorf("direction and language are %q", dir)
	}
	w.audit("answer rendered")
	w.quiet(s.URL)
}

// TestHostileMarkupTakesNoTimeAndNoElement parses texts that are designed to be slow, in the page itself.
func TestHostileMarkupTakesNoTimeAndNoElement(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	const run = `(async () => {
		const version = document.querySelector("script[src]").src.replace(/[^/]*$/, "");
		const { markdown } = await import(version + "markdown.js");
		const texts = ["*".repeat(50000), "[".repeat(50000), "[a](".repeat(12000), "$".repeat(49999), "$a ".repeat(15000), "**a ".repeat(15000), "> ".repeat(20000), "- ".repeat(20000),
			"|".repeat(50000) + "\n" + "|-".repeat(25000), "` + "`" + `".repeat(50000), "_a_".repeat(16000), "<!-- ".repeat(10000), "\\(".repeat(20000), "1. a\n".repeat(9000), " ".repeat(50000) + "x", "a\n".repeat(25000)];
		const slow = [];
		for (const text of texts) {
			const before = performance.now(), node = markdown(text);
			if (performance.now() - before > 20000) slow.push(text.slice(0, 20));
			if (node.querySelector("script, img, iframe, style")) slow.push("an element of " + text.slice(0, 20));
		}
		return slow;
	})()`
	if slow := eval[[]string](w, run); len(slow) > 0 {
		t.Errorf("slow or worse: %q", slow)
	}
}
