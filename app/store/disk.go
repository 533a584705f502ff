package store

import (
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// readEvery is the interval between readings of the file system. Less than any sensible reserve is written in that time.
const readEvery = time.Second

// Disk watches the free space of the file system that holds a database file. The zero value watches nothing. It is safe
// for concurrent use.
type Disk struct {
	folder  string
	reserve int64 // bytes
	looked  atomic.Int64
	free    atomic.Int64 // bytes; -1 = unknown, as it is until the first reading is stored
}

// NewDisk watches the folder of the SQLite file that url names. With a database server it watches nothing.
func NewDisk(url string, reserve int64) *Disk {
	d := &Disk{reserve: reserve}
	d.free.Store(-1)
	if path, err := sqlitePath(url); err == nil && !isPostgres(url) {
		d.folder = filepath.Dir(path)
	}
	return d
}

// Free returns the free space and the reserve below which writes should be refused, both in bytes; 0, 0 if there is no
// reserve or the space is unknown.
func (d *Disk) Free() (free, reserve int64) {
	if d.reserve == 0 {
		return 0, 0
	}
	if free = d.Space(); free < 0 {
		return 0, 0
	}
	return free, d.reserve
}

// Space returns the free space in bytes, with or without a reserve; -1 if nothing is watched or the space is unknown.
func (d *Disk) Space() int64 {
	if d.folder == "" {
		return -1
	}
	now := time.Now().UnixNano()
	if last := d.looked.Load(); now-last > int64(readEvery) && d.looked.CompareAndSwap(last, now) {
		free, err := freeIn(d.folder)
		if err != nil {
			free = -1
		}
		d.free.Store(free)
	}
	return d.free.Load()
}

// freeIn returns the bytes that an ordinary user may still write to the file system of a folder.
func freeIn(folder string) (int64, error) {
	var on unix.Statfs_t
	if err := unix.Statfs(folder, &on); err != nil {
		return 0, err
	}
	return int64(on.Bavail) * on.Bsize, nil //nolint:gosec // bytes of a disk
}
