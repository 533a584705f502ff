package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"studysharper/app/limit"
	"studysharper/app/memory/shm"
	"studysharper/app/study"
)

// fakeImporter returns a fixed answer.
type fakeImporter struct {
	err   error
	calls int
}

func (f *fakeImporter) Extract(_ context.Context, file *os.File, extension string) (study.Extraction, error) {
	f.calls++
	data, err := io.ReadAll(io.NewSectionReader(file, 0, 1<<30))
	if err != nil || f.err != nil {
		return study.Extraction{}, f.err
	}
	if _, err := file.WriteAt([]byte("x"), 0); err == nil {
		return study.Extraction{}, study.Errorf(study.CodeInternal, "the file can be changed")
	}
	return study.Extraction{Format: "text", Title: "", Words: 2, Warnings: []string{"of " + extension}, Markdown: string(data)}, nil
}

// serveImport accepts files of 1 MiB, two at a time.
func serveImport(t *testing.T) (*face, *fakeImporter, *limit.Places) {
	t.Helper()
	reader := &fakeImporter{}
	bounds := limit.Bounds{Uploads: 2}
	places := limit.NewHoldings(shm.Local(bounds.Size()), bounds, 1).Uploads
	return serve(t, func(o *Options) { o.Import = Import{Reader: reader, MaxBytes: 1 << 20, Places: places} }), reader, places
}

func form(t *testing.T, field, name, content string) (body, kind string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.WriteField("other", "field")
	part, err := w.CreateFormFile(field, name)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(part, content)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

func imported(t *testing.T, r reply) (note study.Note, warnings []string) {
	t.Helper()
	var got struct {
		Note     study.Note `json:"note"`
		Warnings []string   `json:"warnings"`
	}
	if err := json.Unmarshal(r.body, &got); err != nil || r.StatusCode != http.StatusCreated {
		t.Fatalf("got %d %s", r.StatusCode, r.body)
	}
	return got.Note, got.Warnings
}

const importPath = "/api/notes/import?user_id=ada"

func TestAFileBecomesANoteAsABodyOrInAForm(t *testing.T) {
	f, _, _ := serveImport(t)
	large := strings.Repeat("several words ", 70_000) // more than MAX_BODY_KB, which does not apply to files
	note, warnings := imported(t, f.ask("POST", importPath+"&subject=Biology&filename=C%3A%5Cmy%20notes%5CCell%20walls.txt", large, "Content-Type", "application/octet-stream"))
	if note.Content != large || note.Title != "Cell walls" || note.Subject != "Biology" || note.UserID != "ada" || warnings[0] != "of txt" {
		t.Errorf("got %q, %d bytes, %v", note.Title, len(note.Content), warnings)
	}
	body, kind := form(t, "file", "osmosis.md", "water")
	note, warnings = imported(t, f.ask("POST", importPath, body, "Content-Type", kind))
	if note.Content != "water" || note.Title != "osmosis" || warnings[0] != "of md" {
		t.Errorf("got %+v, %v", note, warnings)
	}
	if kept := f.ask("GET", "/api/notes/"+note.ID+"?user_id=ada", ""); kept.StatusCode != http.StatusOK {
		t.Errorf("the note is not kept: %d", kept.StatusCode)
	}
}

func TestAFileInChunksIsTakenUpToTheBound(t *testing.T) {
	f, _, _ := serveImport(t)
	send := func(content string) string {
		conn, err := net.Dial("tcp", f.address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", importPath, len(content), content)
		answer, _ := io.ReadAll(conn)
		return string(answer)
	}
	if got := send("in chunks"); !strings.Contains(got, " 201 ") || !strings.Contains(got, `"content":"in chunks"`) || !strings.Contains(got, "Connection: close") {
		t.Errorf("got %s", got)
	}
	if got := send(strings.Repeat("x", 1<<20+formBytes+1)); !strings.Contains(got, " 413 ") {
		t.Errorf("got %.300s", got)
	}
}

func TestAnUploadIsRefusedWithAReason(t *testing.T) {
	f, reader, _ := serveImport(t)
	wrong, kind := form(t, "upload", "x.txt", "text")
	noName := "--b\r\nContent-Disposition: form-data; name=\"x\"; a=\"" + strings.Repeat("y", formBytes) + "\"\r\n\r\n1\r\n--b--\r\n"
	for name, c := range map[string]struct {
		path, body, kind string
		encoding         string
		status           int
		says             string
	}{
		"no user":            {"/api/notes/import", "x", "text/plain", "", 422, "user_id"},
		"no body":            {importPath, "", "", "", 422, "file"},
		"a compressed body":  {importPath, "x", "text/plain", "gzip", 415, "Content-Encoding"},
		"too large":          {importPath, strings.Repeat("x", 1<<20+1), "text/plain", "", 413, "1 MB"},
		"announced as such":  {importPath, strings.Repeat("x", 2<<20), "text/plain", "", 413, "1 MB"},
		"a form without it":  {importPath, wrong, kind, "", 422, "file"},
		"a broken form":      {importPath, "--b\r\nno head", "multipart/form-data; boundary=b", "", 400, "form"},
		"a form of one head": {importPath, noName, "multipart/form-data; boundary=b", "", 400, "form"},
	} {
		header := []string{"Content-Type", c.kind}
		if c.encoding != "" {
			header = append(header, "Content-Encoding", c.encoding)
		}
		if r := f.ask("POST", c.path, c.body, header...); r.StatusCode != c.status || !strings.Contains(string(r.body), c.says) {
			t.Errorf("%s: got %d %s", name, r.StatusCode, r.body)
		}
	}
	if reader.calls > 0 {
		t.Errorf("%d files were read", reader.calls)
	}
	reader.err = study.Errorf(study.CodeUnsupported, "import takes PDF")
	if r := f.ask("POST", importPath, "x", "Content-Type", "image/png"); r.StatusCode != 415 || !strings.Contains(string(r.body), "import takes PDF") {
		t.Errorf("got %d %s", r.StatusCode, r.body)
	}
}

func TestAnUploadIsKeptOnceForItsKey(t *testing.T) {
	f, reader, _ := serveImport(t)
	send := func(content string) reply {
		body, kind := form(t, "file", "a.txt", content) // the boundary differs each time
		return f.ask("POST", importPath, body, "Content-Type", kind, "Idempotency-Key", "k1")
	}
	first, _ := imported(t, send("once"))
	again := send("once")
	if note, _ := imported(t, again); note.ID != first.ID || again.Header.Get("Idempotent-Replayed") != "true" || reader.calls != 1 {
		t.Errorf("got %s, read %d times", again.body, reader.calls)
	}
	if other := send("another"); other.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("another file with the same key: %d", other.StatusCode)
	}
}

func TestAnUploadWaitsForAPlaceBeforeItsBodyIsRead(t *testing.T) {
	f, _, places := serveImport(t)
	var held []limit.Place
	for range 2 {
		place, err := places.Take("others")
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, place)
	}
	done := make(chan reply, 1)
	go func() { done <- f.ask("POST", importPath, "patient", "Content-Type", "text/plain") }()
	f.until("the upload waits", func() bool { return f.server.uploads.Load() == 1 })
	places.Release(held[0])
	if note, _ := imported(t, <-done); note.Content != "patient" {
		t.Errorf("got %+v", note)
	}
	f.server.uploads.Store(maxUploadsWaiting)
	if r := f.ask("POST", importPath, "x", "Content-Type", "text/plain"); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
		t.Errorf("with too many waiting: %d", r.StatusCode)
	}
	f.server.uploads.Store(0)
}
