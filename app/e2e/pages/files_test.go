package pages_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"studysharper/app/e2e/servicetest"
)

// TestAFileIsDroppedReadCorrectedAndUsed drops a PDF, and a file that cannot be read beside it.
func TestAFileIsDroppedReadCorrectedAndUsed(t *testing.T) {
	pdf, err := os.ReadFile(filepath.Join("..", "workers", "testdata", "two-pages.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	s := servicetest.StartImporting(t)
	w := visit(t, s.URL, desktop)
	w.open("make")
	eval[bool](w, fmt.Sprintf(`(() => {
		const bytes = Uint8Array.from(atob(%q), (c) => c.charCodeAt(0)), items = new DataTransfer();
		items.items.add(new File([bytes], "lecture.pdf", { type: "application/pdf" }));
		items.items.add(new File([new Uint8Array([0, 1, 2, 3])], "picture.xyz"));
		return dispatchEvent(new DragEvent("drop", { dataTransfer: items, bubbles: true, cancelable: true })) || true;
	})()`, base64.StdEncoding.EncodeToString(pdf)))
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
