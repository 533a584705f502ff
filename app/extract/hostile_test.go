package extract

import (
	"path/filepath"
	"strings"
	"testing"

	"studysharper/app/extract/hostiletest"
	"studysharper/app/extract/pdf"
	"studysharper/app/study"
)

// helps are words of the error messages, by the beginning of the file's name.
var helps = map[string]string{"encrypted": "password", "bomb-of-zeros": "16 MB", "bomb-of-one": "16 MB", "bomb-of-elements": "16 MB", "bomb-of-depth": "damaged", "laughs": "damaged", "outside": "damaged", "unclosed": "damaged",
	"truncated": "damaged", "many-parts": "5000 parts", "100000-": "2000", "loop-of-pages": "damaged", "loop-of-tables": "damaged", "scan": "OCR", "image": "image", "sheet": "CSV", "rich": "RTF", "old": "DOCX", "other": "archive", "text": "damaged"}

func TestHostileFilesAreRefusedWithASentence(t *testing.T) {
	var engine *pdf.Engine
	if !testing.Short() {
		var err error
		if engine, err = pdfEngine(); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range hostiletest.Files(t, false) {
		if f.PDF() && engine == nil {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			want := study.CodeInvalid
			if f.Foreign {
				want = study.CodeUnsupported
			}
			d, err := Read(f.Data, Options{Extension: strings.TrimPrefix(filepath.Ext(f.Name), "."), MaxPages: 2000, PDF: engine})
			if err == nil {
				t.Fatalf("it was read: %.100q", d.Markdown)
			}
			e := study.AsError(err)
			if e.Code != want || len(e.Message) < 10 {
				t.Errorf("got %s: %s; want %s", e.Code, e.Message, want)
			}
			for name, word := range helps {
				if strings.HasPrefix(f.Name, name) && !strings.Contains(e.Message, word) {
					t.Errorf("%q says nothing of %q", e.Message, word)
				}
			}
		})
	}
}
