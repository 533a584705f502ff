package extract

import (
	"path/filepath"
	"strings"
	"testing"

	"studysharper/app/extract/hostiletest"
	"studysharper/app/extract/pdf"
	"studysharper/app/study"
)

func TestHostileFilesAreRefusedWithASentence(t *testing.T) {
	var engine *pdf.Engine
	if !testing.Short() {
		var err error
		if engine, err = pdfEngine(); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range hostiletest.Files(t) {
		if f.Heavy || f.PDF() && engine == nil {
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
			t.Log(err)
			if e := study.AsError(err); e.Code != want || len(e.Message) < 10 {
				t.Errorf("got %s: %s; want %s", e.Code, e.Message, want)
			}
		})
	}
}
