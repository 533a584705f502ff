package store

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"studysharper/app/study"
)

// useDump tells operators of a database server what to use instead.
const useDump = "with PostgreSQL, use pg_dump and pg_restore"

// Hold marks the SQLite file that url names as in use until release is called or the process ends, so that Restore
// refuses it. Any number of processes may hold it. The caller must not use SQLite itself: closing the file would
// release this process's own locks on it. With a database server it does nothing.
func Hold(url string) (release func(), err error) {
	if isPostgres(url) {
		return func() {}, nil
	}
	path, err := sqlitePath(url)
	if err != nil {
		return nil, err
	}
	f, err := flocked(path, os.O_RDONLY, unix.LOCK_SH)
	if err != nil {
		return nil, study.Wrap(err, study.CodeUnavailable, "the database is being restored")
	}
	return func() { _ = f.Close() }, nil
}

// flocked opens a file and locks it without waiting. It uses flock(2), which does not interfere with SQLite's
// locks. The error is unix.EWOULDBLOCK if another process has the lock.
func flocked(path string, flags, how int) (*os.File, error) {
	f, err := os.OpenFile(path, flags, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Backup writes a consistent copy of the SQLite database that url names to a new file of mode 0600. The database may be
// written to meanwhile; the copy includes the contents of its log. It returns CodeInvalid for a database server, and
// CodeConflict if the file exists.
func Backup(ctx context.Context, url, file string) error {
	path, err := backupPath(url)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator's own path
	if errors.Is(err, fs.ErrExist) {
		return study.Wrap(err, study.CodeConflict, "the file already exists: a backup does not overwrite files")
	}
	if err != nil {
		return study.Wrap(err, study.CodeUnavailable, "the backup cannot be written")
	}
	if err := errors.Join(f.Close(), copyInto(ctx, path, file)); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}

// Snapshot returns a consistent copy of the SQLite database that url names, as an unnamed file that is gone once it is
// closed. The copy is written to the database's folder and needs as much space as the database; if less than reserve
// bytes would stay free, Snapshot returns CodeQuota. Only one copy is made at a time, across all processes; a second
// call returns CodeOverloaded. For a database server it returns CodeInvalid.
func Snapshot(ctx context.Context, url string, reserve int64) (*os.File, error) {
	path, err := backupPath(url)
	if err != nil {
		return nil, err
	}
	if err := roomForCopy(path, reserve); err != nil {
		return nil, err
	}
	name := path + "-snapshot"
	f, err := flocked(name, os.O_RDWR|os.O_CREATE, unix.LOCK_EX)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, study.Wrap(err, study.CodeOverloaded, "another copy of the database is being made")
	}
	if err == nil {
		err = emptied(f, name)
	}
	if err != nil {
		if f != nil {
			_ = f.Close()
		}
		return nil, study.Wrap(err, study.CodeUnavailable, "the copy cannot be made")
	}
	if err := errors.Join(copyInto(ctx, path, name), os.Remove(name)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// roomForCopy returns CodeQuota if a copy of the database would leave less than reserve bytes of its file system free.
func roomForCopy(path string, reserve int64) error {
	need := reserve
	for _, name := range []string{path, path + "-wal"} {
		if info, err := os.Stat(name); err == nil {
			need += info.Size()
		}
	}
	free, err := freeIn(filepath.Dir(path))
	if err != nil {
		return study.Wrap(err, study.CodeUnavailable, "the database folder cannot be used")
	}
	if free < need {
		return study.Errorf(study.CodeQuota, "a copy of the database needs %d MB with the reserve (DISK_RESERVE_MB), and %d MB are free", need>>20, free>>20)
	}
	return nil
}

// emptied truncates the file, in which a dead process may have left data, and fails if the file no longer has its name.
func emptied(f *os.File, name string) error {
	mine, err := f.Stat()
	if err != nil {
		return err
	}
	named, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !os.SameFile(mine, named) {
		return study.Errorf(study.CodeOverloaded, "another copy of the database is being made")
	}
	return f.Truncate(0)
}

func backupPath(url string) (string, error) {
	if isPostgres(url) {
		return "", study.Errorf(study.CodeInvalid, useDump)
	}
	return sqlitePath(url)
}

// copyInto copies a database into an empty file, in one read transaction.
func copyInto(ctx context.Context, path, file string) error {
	if err := checkVersion(ctx, path); err != nil && !errors.Is(err, ErrOldSchema) {
		return explainPath(path, err)
	}
	db := pool(dsn(path, "rw", openWait), 1)
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", file); err != nil {
		return explainPath(file, wrapSQLite(err))
	}
	return synced(file)
}

// synced waits until a file and its directory entry are on the disk.
func synced(name string) error {
	for _, path := range []string{name, filepath.Dir(name)} {
		f, err := os.Open(path) //nolint:gosec // our own, or the operator's
		if err != nil {
			return study.Wrap(err, study.CodeUnavailable, "the copy cannot be read")
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return study.Wrap(err, study.CodeUnavailable, "the copy cannot be written")
		}
	}
	return nil
}

// Restore replaces the SQLite database that url names with a backup of this or an older schema, after checking the
// backup completely. It keeps the previous database in the same folder with ".before-restore" added to its name,
// replacing an earlier one. Migrate upgrades the restored database. It returns CodeConflict while a process holds the
// database (see Hold), and CodeInvalid for a database server.
func Restore(ctx context.Context, url, file string) error {
	path, err := backupPath(url)
	if err != nil {
		return err
	}
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return study.Wrap(err, study.CodeUnavailable, "the database folder cannot be used")
	}
	unlock, err := lockFolder(ctx, folder)
	if err != nil {
		return study.Wrap(err, study.CodeUnavailable, "the database folder cannot be used")
	}
	defer unlock()
	release, err := takeOver(path)
	if err != nil {
		return err
	}
	defer release()
	fresh := path + ".restoring"
	if err := copyChecked(ctx, file, fresh); err != nil {
		return errors.Join(err, removeIfThere(fresh))
	}
	if err := setAside(ctx, path); err != nil {
		return errors.Join(err, removeIfThere(fresh))
	}
	if err := os.Rename(fresh, path); err != nil {
		return study.Wrap(err, study.CodeUnavailable, "the backup cannot be moved into place")
	}
	return synced(path)
}

// takeOver locks the database, if there is one, against processes that call Hold.
func takeOver(path string) (release func(), err error) {
	f, err := flocked(path, os.O_RDONLY, unix.LOCK_EX)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return func() {}, nil
	case errors.Is(err, unix.EWOULDBLOCK):
		return nil, study.Wrap(err, study.CodeConflict, "the service is running: stop it first")
	case err != nil:
		return nil, study.Wrap(err, study.CodeUnavailable, "the database cannot be opened")
	}
	return func() { _ = f.Close() }, nil
}

// copyChecked copies a backup and checks the whole copy.
func copyChecked(ctx context.Context, from, to string) (err error) {
	source, err := os.Open(from) //nolint:gosec // the operator's own path
	if err != nil {
		return study.Wrap(err, study.CodeUnavailable, "the backup cannot be read")
	}
	defer func() { _ = source.Close() }()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // beside the database
	if err != nil {
		return study.Wrap(err, study.CodeUnavailable, "the database folder cannot be used")
	}
	_, err = io.Copy(target, source)
	if err = errors.Join(err, target.Sync(), target.Close()); err != nil {
		return study.Wrap(err, study.CodeUnavailable, "the backup cannot be copied")
	}
	have, err := checkFile(ctx, to)
	if err != nil {
		return err
	}
	if have == 0 {
		return study.Errorf(study.CodeUnavailable, "the file is not a backup of studysharper")
	}
	db := pool(readingDSN(to), 1)
	defer func() { _ = db.Close() }()
	return wrapFile(from, quickCheck(ctx, db))
}

// setAside keeps the current database under another name, including the contents of its log.
func setAside(ctx context.Context, path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	before := path + ".before-restore"
	db := pool(dsn(path, "rw", openWait), 1)
	_, _ = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)") // fails if the database is damaged: then its log is kept too
	_ = db.Close()
	err := errors.Join(removeIfThere(before), removeIfThere(before+"-wal"))
	if err == nil {
		err = os.Link(path, before) // a link, so that the database exists at all times
	}
	if err == nil {
		err = os.Rename(path+"-wal", before+"-wal")
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err = errors.Join(err, removeIfThere(path+"-shm")); err != nil {
		return study.Wrap(err, study.CodeUnavailable, "the current database cannot be moved aside")
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
