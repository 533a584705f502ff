package pages_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
)

// drop drops files on the page.
func (w *window) drop(files map[string][]byte) {
	w.t.Helper()
	encoded := map[string]string{}
	for name, body := range files {
		encoded[name] = base64.StdEncoding.EncodeToString(body)
	}
	list, err := json.Marshal(encoded)
	if err != nil {
		w.t.Fatal(err)
	}
	eval[bool](w, fmt.Sprintf(`(() => {
		const items = new DataTransfer();
		for (const [name, body] of Object.entries(%s)) items.items.add(new File([Uint8Array.from(atob(body), (c) => c.charCodeAt(0))], name));
		return dispatchEvent(new DragEvent("drop", { dataTransfer: items, bubbles: true, cancelable: true })) || true;
	})()`, list))
}

// pdfOf returns a PDF of one page with lines of text, in ASCII without parentheses.
func pdfOf(lines []string) []byte {
	text := "BT /F1 9 Tf 12 TL 40 800 Td"
	for _, line := range lines {
		text += " (" + line + ") '"
	}
	text += " ET"
	out, starts := []byte("%PDF-1.4\n"), []int{}
	for i, object := range []string{
		"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(text), text), "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	} {
		starts = append(starts, len(out))
		out = fmt.Appendf(out, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	table := len(out)
	out = fmt.Appendf(out, "xref\n0 %d\n0000000000 65535 f \n", len(starts)+1)
	for _, start := range starts {
		out = fmt.Appendf(out, "%010d 00000 n \n", start)
	}
	return fmt.Appendf(out, "trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(starts)+1, table)
}

// TestAFileIsDroppedReadCorrectedAndUsed drops a PDF together with a file that cannot be read.
func TestAFileIsDroppedReadCorrectedAndUsed(t *testing.T) {
	pdf, err := os.ReadFile(filepath.Join("..", "workers", "testdata", "two-pages.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	s := servicetest.StartImporting(t)
	w := visit(t, s.URL, desktop)
	w.open("make")
	w.drop(map[string][]byte{"lecture.pdf": pdf, "picture.xyz": {0, 1, 2, 3}})
	w.until("document.querySelector('.file a') && document.querySelector('.file.failed')")
	w.until("document.querySelectorAll('#notes input:checked').length === 1")
	w.audit("files")
	w.click(".file a")
	w.until("document.querySelector('#opened .reading')")
	w.audit("file read")
	w.click("#opened .tools button")
	w.fill("#opened textarea", threeFacts)
	w.click("#opened .main")
	w.until("document.querySelector('#opened .reading')?.innerText.includes('movement of water')")
	w.make("flashcard_generation")
	w.until("document.querySelector('#aid a.source')")
	if n := eval[int](w, "document.querySelectorAll('#aid .flash').length"); n != 3 {
		t.Errorf("%d cards of the corrected text", n)
	}
}

func TestADeckIsSavedAsAFileInEachFormat(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	w.open("make")
	w.fill("#text", threeFacts)
	w.make("flashcard_generation")
	w.click("#tools a:last-of-type")
	w.until("document.querySelector('#opened .menu')")
	w.click("#opened summary")
	w.audit("save as a file")
	const saved = `Promise.all([...document.querySelectorAll("#opened .menu a")].map(async (a) => {
		const r = await fetch(a.href), bytes = (await r.arrayBuffer()).byteLength;
		return r.status + " " + /filename="?[^";]*\.(\w+)"?/.exec(r.headers.get("Content-Disposition") ?? "")?.[1] + " " + (bytes > 50);
	}))`
	if got := fmt.Sprint(eval[[]string](w, saved)); got != "[200 apkg true 200 tsv true 200 csv true 200 md true 200 json true]" {
		t.Errorf("the files are %s", got)
	}
}

// printed presses Print on the page where aids are made and returns the text of each sheet.
func (w *window) printed() []string {
	w.t.Helper()
	eval[bool](w, "window.print = () => { window.paper = [...document.querySelector('#paper').children].map(c => c.textContent); }, window.paper = null, document.querySelector('#tools button').click(), true")
	w.until("window.paper")
	return eval[[]string](w, "window.paper")
}

func TestCardsAndQuizzesArePrinted(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	w.open("make")
	w.fill("#text", servicetest.Notes(t))
	w.make("flashcard_generation")
	sheets, cards := w.printed(), eval[[]string](w, "[...document.querySelectorAll('#aid .ask')].map(c => c.textContent)")
	if len(cards) != 10 || len(sheets) != 4 || !strings.Contains(sheets[0], cards[7]) || strings.Contains(sheets[0], cards[8]) || !strings.Contains(sheets[2], cards[8]) {
		t.Errorf("%d cards on %d sheets: %q", len(cards), len(sheets), sheets)
	}
	first, second := eval[string](w, "document.querySelectorAll('#aid .reply > :first-child')[0].textContent"), eval[string](w, "document.querySelectorAll('#aid .reply > :first-child')[1].textContent")
	if backs := eval[[]string](w, "[...document.querySelectorAll('.backs')[0].children].slice(0, 2).map(c => c.textContent)"); backs[0] != second || backs[1] != first {
		t.Errorf("the backs are %q: they do not meet the fronts", backs)
	}
	eval[bool](w, "dispatchEvent(new Event('afterprint')), true")
	w.make("quiz_generation")
	if sheets := w.printed(); len(sheets) != 2 || !strings.HasPrefix(sheets[1], "Key: ") || strings.Contains(sheets[0], "Key: ") {
		t.Errorf("the quiz is printed on %q", sheets)
	}
	eval[bool](w, "dispatchEvent(new Event('afterprint')), true")
	w.make("study_plan")
	if sheets := w.printed(); !strings.Contains(strings.Join(sheets, " "), "Day 1") {
		t.Errorf("the plan is printed as %q", sheets)
	}
	w.quiet(s.URL)
}
