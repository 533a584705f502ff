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

// migrateVar makes the test binary migrate the database that it names, and say what went wrong.
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
