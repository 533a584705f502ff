package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"studysharper/app/study"
)

// State is what Check finds of a database that can be served with.
type State int

// The states.
const (
	Absent   State = iota + 1 // Migrate makes it
	Outdated                  // Migrate brings it to this binary's schema
	Current
)

// Check tells whether Migrate and then Open would take the database that url names, without changing
// or making anything. Its errors are theirs.
func Check(ctx context.Context, url string) (State, error) {
	if !isPostgres(url) {
		path, err := sqlitePath(url)
		if err != nil {
			return 0, err
		}
		state, err := inspect(ctx, path)
		return state, explainPath(path, err)
	}
	s, err := Open(ctx, url, Options{})
	if errors.Is(err, ErrOldSchema) {
		return Outdated, nil
	}
	if err == nil {
		err = errors.Join(s.Ping(ctx), s.Close())
	}
	return Current, err
}

func inspect(ctx context.Context, path string) (State, error) {
	folder := filepath.Dir(path)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Absent, study.Wrap(accessFolder(existing(folder)), study.CodeUnavailable, "the database cannot be made in "+existing(folder))
	}
	if err != nil {
		return 0, study.Wrap(err, study.CodeUnavailable, "the database folder cannot be used")
	}
	if !info.Mode().IsRegular() {
		return 0, study.Errorf(study.CodeUnavailable, "the database %s is not a file", path)
	}
	if err := errors.Join(accessFolder(folder), syscall.Access(path, unix.R_OK|unix.W_OK)); err != nil {
		return 0, study.Wrap(err, study.CodeUnavailable, "the database file cannot be used")
	}
	have, err := checkFile(ctx, path)
	if err == nil && have < liteSchema() {
		return Outdated, nil
	}
	return Current, err
}

// accessFolder tells why no file can be made in a folder. The kernel's own lets root pass, and still has none made.
func accessFolder(folder string) error {
	var on unix.Statfs_t
	if err := unix.Statfs(folder, &on); err == nil && (on.Type == unix.PROC_SUPER_MAGIC || on.Type == unix.SYSFS_MAGIC) {
		return syscall.ENOENT
	}
	return syscall.Access(folder, unix.R_OK|unix.W_OK|unix.X_OK)
}

// readingDSN names the file for a look at it. SQLite makes two files beside one that is in
// its WAL mode even to read it; where neither they nor a journal are there, nobody writes to
// it, and it need not.
func readingDSN(path string) string {
	name := dsn(path, "ro", openWait)
	for _, beside := range []string{"-wal", "-shm", "-journal"} {
		if _, err := os.Lstat(path + beside); !errors.Is(err, fs.ErrNotExist) {
			return name
		}
	}
	return name + "&immutable=1"
}
