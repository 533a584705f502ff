package store

import (
	"path/filepath"
	"sync"
	"testing"
)

// The first calls are concurrent: all but one find a reading in progress.
func TestTheFirstConcurrentCallersAreNotToldThatTheDiskIsFull(t *testing.T) {
	const callers, rounds = 16, 300
	url := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	for range rounds {
		d := NewDisk(url, 1)
		start := make(chan struct{})
		var callersDone sync.WaitGroup
		for range callers {
			callersDone.Go(func() {
				<-start
				if free, reserve := d.Free(); free < reserve {
					t.Errorf("%d bytes are free, %d are kept in reserve", free, reserve)
				}
			})
		}
		close(start)
		callersDone.Wait()
		if free, reserve := d.Free(); free < 1 || reserve != 1 {
			t.Fatalf("after the first reading: %d bytes free, reserve %d", free, reserve)
		}
	}
}

func TestADiskThatCannotBeReadRefusesNothing(t *testing.T) {
	for name, d := range map[string]*Disk{
		"no such folder":  NewDisk("sqlite:"+filepath.Join(t.TempDir(), "none", "test.db"), 1),
		"database server": NewDisk("postgres://db/x", 1),
		"no reserve":      NewDisk("sqlite:"+filepath.Join(t.TempDir(), "test.db"), 0),
		"zero value":      {},
	} {
		if free, reserve := d.Free(); free != 0 || reserve != 0 {
			t.Errorf("%s: %d bytes free, reserve %d", name, free, reserve)
		}
		if space := d.Space(); (space > 0) != (name == "no reserve") {
			t.Errorf("%s: %d bytes free", name, space)
		}
	}
}
