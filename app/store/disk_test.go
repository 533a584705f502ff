package store

import (
	"path/filepath"
	"testing"
	"time"
)

func TestADiskThatIsBeingLookedAtForTheFirstTimeIsNotFull(t *testing.T) {
	d := NewDisk("sqlite:"+filepath.Join(t.TempDir(), "x.db"), 1)
	d.looked.Store(time.Now().UnixNano()) // by another goroutine, which has not got the answer yet
	if free, reserve := d.Free(); free < reserve {
		t.Errorf("%d of %d bytes are free", free, reserve)
	}
	d.looked.Store(0)
	if free, reserve := d.Free(); free <= 0 || reserve != 1 {
		t.Errorf("then %d bytes are free, %d are the reserve", free, reserve)
	}
}
