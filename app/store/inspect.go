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

// State is the condition of a database that Check accepts.
type State int

// The states.
const (
	Absent   State = iota + 1 // Migrate creates it
	Outdated                  // Migrate upgrades it to this binary's schema
	Current
)

// Check reports whether Migrate followed by Open would accept the database that url names. It changes and creates
// nothing. Its errors are those of Migrate and Open.
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
		return Absent, study.Wrap(accessFolder(existing(folder)), study.CodeUnavailable, "the database cannot be created in "+existing(folder))
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

// accessFolder returns the reason why no file can be created in a folder. In /proc and /sys, access(2) succeeds for root
// although no file can be created there.
func accessFolder(folder string) error {
	var on unix.Statfs_t
	if err := unix.Statfs(folder, &on); err == nil && (on.Type == unix.PROC_SUPER_MAGIC || on.Type == unix.SYSFS_MAGIC) {
		return syscall.ENOENT
	}
	return syscall.Access(folder, unix.R_OK|unix.W_OK|unix.X_OK)
}

// readingDSN returns the data source name for reading the file without changing it. To read a file in WAL mode, SQLite
// creates two files next to it. If neither they nor a journal exist, no process is writing, and the file is opened as
// immutable.
func readingDSN(path string) string {
	name := dsn(path, "ro", openWait)
	for _, beside := range []string{"-wal", "-shm", "-journal"} {
		if _, err := os.Lstat(path + beside); !errors.Is(err, fs.ErrNotExist) {
			return name
		}
	}
	return name + "&immutable=1"
}
