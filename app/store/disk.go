package store

import (
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// diskLook is how often the file system is asked: what is written in between is far less than a reserve.
const diskLook = time.Second

// Disk watches the space that is left where a database file lies. The zero value watches nothing. It is safe for
// concurrent use.
type Disk struct {
	folder  string
	reserve int64 // bytes
	looked  atomic.Int64
	free    atomic.Int64 // bytes; -1 = unknown, as it is until the first reading is stored
}

// NewDisk watches the folder of the database that url names; a database server has its own.
func NewDisk(url string, reserve int64) *Disk {
	d := &Disk{reserve: reserve}
	d.free.Store(-1)
	if path, err := sqlitePath(url); err == nil && !isPostgres(url) {
		d.folder = filepath.Dir(path)
	}
	return d
}

// Free returns the bytes that are left, and the reserve below which nothing more should be kept; 0, 0 where nothing is
// watched or known.
func (d *Disk) Free() (free, reserve int64) {
	if d.folder == "" || d.reserve == 0 {
		return 0, 0
	}
	now := time.Now().UnixNano()
	if last := d.looked.Load(); now-last > int64(diskLook) && d.looked.CompareAndSwap(last, now) {
		var on unix.Statfs_t
		if unix.Statfs(d.folder, &on) != nil {
			d.free.Store(-1)
		} else {
			d.free.Store(int64(on.Bavail) * on.Bsize) //nolint:gosec // bytes of a disk
		}
	}
	if free = d.free.Load(); free < 0 {
		return 0, 0
	}
	return free, d.reserve
}
