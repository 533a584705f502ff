package httpapi

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
	"testing"

	"studysharper/app/store"
	"studysharper/app/store/storetest"
	"studysharper/app/study"
)

func TestAnAidIsSavedInTheFormatsOfItsKind(t *testing.T) {
	f := serve(t)
	storetest.Fill(t, f.store, "ada")
	formats := map[string]map[string]string{
		"flashcards": {"apkg": "application/vnd.anki", "tsv": "text/tab-separated-values", "csv": "text/csv", "md": "text/markdown", "json": "application/json"},
		"quizzes":    {"gift": "text/plain", "md": "text/markdown", "json": "application/json"},
		"exams":      {"gift": "text/plain", "md": "text/markdown", "json": "application/json"},
		"summaries":  {"md": "text/markdown", "json": "application/json"},
	}
	for kind, of := range formats {
		id := f.ask("GET", "/api/ai/generated-content/"+kind+"?user_id=ada&limit=1", "").object(t)["items"].([]any)[0].(map[string]any)["id"].(string)
		at := "/api/ai/generated-content/" + kind + "/" + id + "/export"
		for _, format := range []string{"apkg", "tsv", "csv", "gift", "md", "json", "pdf", ""} {
			r := f.ask("GET", at+"?user_id=ada&format="+format, "")
			media, has := of[format]
			if !has {
				if r.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(string(r.body), `"field":"format"`) {
					t.Errorf("%s as %q: %d %s", kind, format, r.StatusCode, r.body)
				}
				continue
			}
			got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
			if r.StatusCode != http.StatusOK || err != nil || got != media || len(r.body) == 0 {
				t.Errorf("%s as %s: %d, %s, %v", kind, format, r.StatusCode, got, err)
			}
			disposition, params, err := mime.ParseMediaType(r.Header.Get("Content-Disposition"))
			if err != nil || disposition != "attachment" || params["filename"] != kind+" of ada."+format {
				t.Errorf("%s as %s: %q, %v", kind, format, params, err)
			}
		}
		for _, other := range []string{at + "?user_id=bob&format=json", strings.Replace(at, id, anID, 1) + "?user_id=ada&format=json"} {
			if r := f.ask("GET", other, ""); r.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %d", other, r.StatusCode)
			}
		}
	}
	if r := f.ask("GET", "/api/ai/generated-content/poems/"+anID+"/export?format=md", ""); r.StatusCode != http.StatusNotFound {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
}

// entries returns the files of a ZIP by name.
func entries(t *testing.T, body []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, doubled := files[f.Name]; doubled {
			t.Errorf("%s is there twice", f.Name)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestEverythingOfAUserIsSavedAndDeleted(t *testing.T) {
	f := serve(t)
	storetest.Fill(t, f.store, "ada")
	storetest.Fill(t, f.store, "bob")
	r := f.ask("GET", "/api/account/export?user_id=ada", "")
	if _, params, err := mime.ParseMediaType(r.Header.Get("Content-Disposition")); r.StatusCode != http.StatusOK || err != nil || path.Ext(params["filename"]) != ".zip" {
		t.Fatalf("%d %v", r.StatusCode, r.Header)
	}
	files := entries(t, r.body)
	for name, body := range files {
		if bytes.Contains(body, []byte("bob")) {
			t.Errorf("%s holds something of another user", name)
		}
	}
	counts := map[string]int{}
	for name := range files {
		counts[path.Dir(name)]++
	}
	if counts["notes"] != storetest.Filled || counts["sessions"] != 25 || counts["flashcards"] != 15 || counts["exams"] != 15 || counts["summaries"] != 10 {
		t.Errorf("%v", counts)
	}
	if r := f.ask("HEAD", "/api/account/export?user_id=ada", ""); r.StatusCode != http.StatusOK || len(r.body) > 0 {
		t.Errorf("HEAD: %d, %d bytes", r.StatusCode, len(r.body))
	}
	if r := f.ask("DELETE", "/api/account?user_id=ada", "", "Idempotency-Key", "delete"); r.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	rest := entries(t, f.ask("GET", "/api/account/export?user_id=ada", "").body)
	for name, body := range rest {
		if bytes.Contains(body, []byte(" of ada")) || strings.Contains(name, "/") {
			t.Errorf("%s is left: %s", name, body)
		}
	}
	if got := entries(t, f.ask("GET", "/api/account/export?user_id=bob", "").body); len(got) != len(files) {
		t.Errorf("bob has %d files, want %d", len(got), len(files))
	}
	for _, ask := range []string{"GET /api/account/export", "DELETE /api/account"} {
		method, at, _ := strings.Cut(ask, " ")
		if r := f.ask(method, at, ""); r.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s without a user: %d", ask, r.StatusCode)
		}
	}
}

func TestADeletionEndsTheRunsOfTheUser(t *testing.T) {
	f := serve(t)
	storetest.Fill(t, f.store, "ada")
	v, _, err := f.store.Sessions(t.Context(), "ada", store.Page{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	run, err := f.store.NewestRun(t.Context(), v[0].ID)
	if err != nil || run.Ended() {
		t.Fatalf("%+v, %v", run, err)
	}
	if r := f.ask("DELETE", "/api/account?user_id=ada", ""); r.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	if ended, err := f.store.KeepRunsAlive(t.Context(), "w", run.ID); err != nil || fmt.Sprint(ended) != fmt.Sprint([]string{run.ID}) {
		t.Errorf("%v, %v: its worker is not told", ended, err)
	}
	if _, err := f.store.RunByID(t.Context(), run.ID); !study.IsCode(err, study.CodeNotFound) {
		t.Errorf("%v", err)
	}
}
