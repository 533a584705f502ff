package workers_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/extract/hostiletest"
	"studysharper/app/testkit"
)

// send uploads a file, and returns the status and the answer.
func send(t *testing.T, s *servicetest.Service, name string, data []byte) (int, map[string]any) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Minute}
	res, err := client.Post(s.URL+"/api/notes/import?user_id=ada&filename="+name, "application/octet-stream", bytes.NewReader(data))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return 0, nil
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Errorf("%s: %s", name, body)
	}
	return res.StatusCode, got
}

// document returns a DOCX file with a body.
func document(t *testing.T, body string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("word/document.xml")
	if err == nil {
		_, err = io.WriteString(w, `<w:document xmlns:w="w"><w:body>`+body+`</w:body></w:document>`)
	}
	if err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFilesAreImportedInAProcessOfTheirOwn(t *testing.T) {
	s := servicetest.StartImporting(t)
	workers := s.PIDs()
	status, got := send(t, s, "cells.docx", document(t, "<w:p><w:r><w:t>Osmosis moves water.</w:t></w:r></w:p>"))
	if note, _ := got["note"].(map[string]any); status != 201 || note["content"] != "Osmosis moves water.\n" || note["title"] != "cells" || got["format"] != "docx" {
		t.Errorf("got %d %v", status, got)
	}
	pdf, err := os.ReadFile(filepath.Join("testdata", "two-pages.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	status, got = send(t, s, "x.pdf", pdf)
	if note, _ := got["note"].(map[string]any); status != 201 || got["pages"] != 2.0 || note["content"] != "<!-- page 1 -->\n\nLight drives photosynthesis.\n\n<!-- page 2 -->\n\nWater moves by osmosis.\n" {
		t.Errorf("got %d %v", status, got)
	}
	if now := s.PIDs(); !maps.Equal(now, workers) {
		t.Errorf("workers %v became %v", workers, now)
	}
}

func TestHostileFilesCostAnAnswerAndNothingElse(t *testing.T) {
	testkit.SkipRace(t) // the process that reads a file is too limited for the race detector's memory
	s := servicetest.StartImporting(t)
	workers := s.PIDs()
	for _, f := range hostiletest.Files(t, true) {
		want := http.StatusUnprocessableEntity
		if f.Foreign {
			want = http.StatusUnsupportedMediaType
		}
		status, got := send(t, s, f.Name, f.Data)
		if detail, _ := got["detail"].(string); status != want || len(detail) < 10 {
			t.Errorf("%s: got %d %.300v, want %d", f.Name, status, got, want)
		}
		if f.Heavy {
			t.Logf("%s: %v", f.Name, got["detail"])
		}
	}
	long := "<w:p>" + strings.Repeat("<w:r><w:t>x</w:t></w:r>", 100_000) + "</w:p>"
	if status, got := send(t, s, "long.docx", document(t, long)); status != http.StatusCreated {
		t.Errorf("a file after all of them: got %d %.300v", status, got)
	}
	if now := s.PIDs(); !maps.Equal(now, workers) {
		t.Errorf("workers %v became %v", workers, now)
	}
}

func TestManyFilesAtOnceAreReadOneAfterTheOther(t *testing.T) {
	s := servicetest.StartImporting(t)
	workers := s.PIDs()
	text := bytes.Repeat([]byte("many words of a long text\n"), 10<<20/26)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			status, got := send(t, s, fmt.Sprintf("%d.txt", i), text)
			if warnings, _ := got["warnings"].([]any); status != 503 && (status != 201 || len(warnings) != 1) {
				t.Errorf("got %d %.300v", status, got)
			}
		})
	}
	group.Wait()
	if now := s.PIDs(); !maps.Equal(now, workers) {
		t.Errorf("workers %v became %v", workers, now)
	}
}

func TestTheProcessOfAFileIsNotRunByHand(t *testing.T) {
	out, err := servicetest.Program(t, nil, "extract").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "'extract' is internal") {
		t.Errorf("got %v, %s", err, out)
	}
}
