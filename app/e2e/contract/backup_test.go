package contract_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
)

// download downloads the admin's copy of the database.
func download(t *testing.T, s *servicetest.Service, token string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/api/admin/backup", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Admin-Token", token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

// noteCount returns how many notes the service has for ann.
func noteCount(t *testing.T, s *servicetest.Service) int {
	t.Helper()
	_, list := s.Ask("GET", "/api/notes?user_id=ann", "")
	notes, _ := list["notes"].([]any)
	return len(notes)
}

func TestADatabaseIsBackedUpWhileItIsServedAndRestoredAfterwards(t *testing.T) {
	folder := t.TempDir()
	file := func(name string) string { return filepath.Join(folder, name) }
	database := "DATABASE_URL=sqlite:" + file("study.db")
	note := func(s *servicetest.Service, title string) {
		if status, _ := s.Ask("POST", "/api/notes", `{"user_id":"ann","title":"`+title+`","content":"Osmosis moves water."}`); status != http.StatusCreated {
			t.Fatalf("the note was answered %d", status)
		}
	}
	command := func(args ...string) (string, int) {
		cmd := servicetest.Program(t, []string{database}, args...)
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}

	s := servicetest.Start(t, database)
	note(s, "one")
	if out, status := command("backup", file("by-command.db")); status != 0 {
		t.Fatalf("backup: %d, %s", status, out)
	}
	if res, _ := download(t, s, "wrong"); res.StatusCode != http.StatusForbidden {
		t.Errorf("with a wrong token: %d", res.StatusCode)
	}
	res, copied := download(t, s, servicetest.AdminToken)
	if res.StatusCode != http.StatusOK || !strings.Contains(res.Header.Get("Content-Disposition"), ".db") {
		t.Fatalf("the copy: %d, %v", res.StatusCode, res.Header)
	}
	if err := os.WriteFile(file("by-request.db"), copied, 0o600); err != nil {
		t.Fatal(err)
	}
	note(s, "two")
	if out, status := command("restore", file("by-command.db")); status != 1 || !strings.Contains(out, "stop it first") {
		t.Errorf("restore while it is served: %d, %s", status, out)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"by-command.db", "by-request.db"} {
		if out, status := command("restore", file(from)); status != 0 {
			t.Fatalf("restore: %d, %s", status, out)
		}
		s = servicetest.Start(t, database)
		if n := noteCount(t, s); n != 1 {
			t.Errorf("%s: %d notes, 1 when it was made", from, n)
		}
		note(s, "another")
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"backup", file("by-command.db")}, 1, "already exists"},
		{[]string{"restore", file("absent.db")}, 1, "cannot be read"},
		{[]string{"backup"}, 2, "backup FILE"},
	} {
		if out, status := command(tt.args...); status != tt.status || !strings.Contains(out, tt.says) {
			t.Errorf("%v: %d, %s", tt.args, status, out)
		}
	}
}
