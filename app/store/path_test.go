package store

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"studysharper/app/study"
)

func saysOfPath(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if !unavailable(err) || !strings.Contains(study.AsError(err).Message, w) {
			t.Errorf("error %v does not say %q", err, w)
		}
	}
}

func TestADirectoryAtTheDatabasesPathIsCalledOne(t *testing.T) {
	folder := t.TempDir()
	saysOfPath(t, Migrate(t.Context(), "sqlite:"+folder), "is a directory", "sqlite:"+folder+"/studysharper.db")
	_, err := Open(t.Context(), "sqlite:"+folder, Options{})
	saysOfPath(t, err, "is a directory")
}

func TestAFileInThePlaceOfAFolderIsCalledOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	saysOfPath(t, Migrate(t.Context(), "sqlite:"+filepath.Join(file, "data", "x.db")), "is a file, not a folder")
}

func TestAFullOrReadOnlyDiskIsCalledSo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	saysOfPath(t, explainPath(path, study.Wrap(syscall.ENOSPC, study.CodeUnavailable, "x")), "is full")
	saysOfPath(t, explainPath(path, study.Wrap(syscall.EROFS, study.CodeUnavailable, "x")), "read-only file system")
}

// migrateVar is the environment variable that makes the test binary migrate the database it names and print the error.
const migrateVar = childVar + "_MIGRATES"

func TestADeniedFolderIsNamedWithItsOwnerAndTheRemedy(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may run as another user")
	}
	folder, err := os.MkdirTemp("", "denied") // not t.TempDir: another user may not enter that
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil { //nolint:gosec // it is what the test is about
		t.Fatal(err)
	}
	binary := filepath.Join(folder, "test")
	if program, err := os.ReadFile(os.Args[0]); err != nil || os.WriteFile(binary, program, 0o755) != nil { //nolint:gosec // to be run by another user
		t.Fatal(err)
	}
	c := exec.Command(binary)
	c.Env = append(os.Environ(), migrateVar+"=sqlite:"+filepath.Join(folder, "x.db"))
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	said, _ := c.CombinedOutput()
	for _, w := range []string{"permission denied", "65532:65532", "belongs to 0:0 with mode 0755", "chown -R 65532:65532 " + folder, `user: "0:0"`} {
		if !strings.Contains(string(said), w) {
			t.Errorf("%q does not say %q", said, w)
		}
	}
}

func TestCheckTellsWhatAStartWouldFindAndMakesNothing(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	if err := Migrate(t.Context(), "sqlite:"+at("current")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"empty": "", "text": strings.Repeat("no database ", 1000)} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before, _ := os.ReadDir(folder)
	for name, want := range map[string]State{"in/new/x": Absent, "empty": Outdated, "current": Current} {
		if got, err := Check(t.Context(), "sqlite:"+at(name)); got != want || err != nil {
			t.Errorf("%s: %d, %v; want %d", name, got, err, want)
		}
	}
	for path, words := range map[string]string{folder: "is a directory", at("empty/x"): "not a folder", at("text"): "damaged", "/dev/null": "not a file"} {
		_, err := Check(t.Context(), "sqlite:"+path)
		saysOfPath(t, err, words)
		if path != "/dev/null" && Migrate(t.Context(), "sqlite:"+path) == nil {
			t.Errorf("a start takes %s", path)
		}
	}
	if after, _ := os.ReadDir(folder); len(after) != len(before) {
		t.Errorf("%d entries, then %d", len(before), len(after))
	}
}

func TestAFailureInUseIsExplainedToTheLogOnly(t *testing.T) {
	s := openFresh(t, Options{})
	if err := os.Remove(s.path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(s.path, 0o700); err != nil {
		t.Fatal(err)
	}
	err := s.Ping(t.Context())
	if !unavailable(err) || !strings.Contains(err.Error(), "is a directory") || strings.Contains(study.AsError(err).Message, s.path) {
		t.Errorf("%v", err)
	}
}
