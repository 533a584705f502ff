package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
	code "modernc.org/sqlite/lib"

	"studysharper/app/study"
)

// explainPath replaces the message of err with one for the operator: what is wrong with the path, its owner or its mode,
// and what to do. It returns err unchanged if the path does not explain it.
func explainPath(path string, err error) error {
	if err == nil {
		return nil
	}
	sentence := pathFault(path, err)
	if sentence == "" {
		return err
	}
	return &study.Error{Code: study.CodeUnavailable, Message: sentence, Cause: err}
}

// explainCause is explainPath for a database in use. Clients read the message, so the explanation goes into the cause,
// for the log.
func explainCause(path string, err error) error {
	switch resultCode(err) {
	case code.SQLITE_FULL, code.SQLITE_CANTOPEN, code.SQLITE_IOERR, code.SQLITE_READONLY, code.SQLITE_PERM:
	default:
		return err
	}
	e := study.AsError(err)
	if sentence := pathFault(path, err); sentence != "" {
		e.Cause = fmt.Errorf("%s: %w", sentence, e.Cause)
	}
	return e
}

func pathFault(path string, err error) string {
	folder := filepath.Dir(path)
	if info, failed := os.Stat(path); failed == nil && info.IsDir() {
		return fmt.Sprintf("the database %s is a directory: DATABASE_URL must name a file, such as sqlite:%s", path, filepath.Join(path, "studysharper.db"))
	}
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Sprintf("the database cannot be created in %s: a part of that path is a file, not a folder", folder)
	case errors.Is(err, syscall.EROFS), resultCode(err) != 0 && errors.Is(accessFolder(existing(folder)), syscall.EROFS):
		return fmt.Sprintf("the database folder %s is on a read-only file system: mount a volume there that can be written to", existing(folder))
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), resultCode(err) == code.SQLITE_FULL:
		return fmt.Sprintf("the disk of the database folder %s is full: make room", existing(folder))
	}
	for _, p := range []string{existing(folder), path} {
		if errors.Is(err, os.ErrPermission) || resultCode(err) != 0 && denied(p) {
			if sentence := permissionFault(p); sentence != "" {
				return sentence
			}
		}
	}
	return ""
}

// existing returns the nearest ancestor folder of a path that exists.
func existing(folder string) string {
	for folder != filepath.Dir(folder) {
		if _, err := os.Stat(folder); err == nil {
			break
		}
		folder = filepath.Dir(folder)
	}
	return folder
}

func denied(path string) bool {
	mode := uint32(unix.R_OK | unix.W_OK)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		mode |= unix.X_OK
	}
	return errors.Is(syscall.Access(path, mode), syscall.EACCES)
}

// permissionFault names this process's user, the path's owner and the remedy; "" if the path's permissions are not the
// cause.
func permissionFault(path string) string {
	info, err := os.Stat(path)
	if err != nil || !denied(path) {
		return ""
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	uid, gid := os.Geteuid(), os.Getegid()
	return fmt.Sprintf("permission denied: this process runs as %d:%d (uid:gid) and may not write to %s, which belongs to %d:%d with mode %04o;"+
		" run `chown -R %d:%d %s` where the volume is, or set `user: \"%d:%d\"` for the container",
		uid, gid, path, owner.Uid, owner.Gid, info.Mode().Perm(), uid, gid, path, owner.Uid, owner.Gid)
}
