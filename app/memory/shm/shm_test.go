package shm

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

var layout = []Spec{{"one", 8}, {"two", pageSize + 1}, {"sixteen-bytes-ab", 1}}

func create(t *testing.T, dir string) *Region {
	t.Helper()
	r, fallback, err := Create(dir, layout...)
	if err != nil || fallback != nil {
		t.Fatalf("Create: %v, fallback %v", err, fallback)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func section(t *testing.T, r *Region, name string, size int) *Section {
	t.Helper()
	s, err := r.Section(name, size)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSectionsAreSeparateAndSharedThroughTheFile(t *testing.T) {
	r := create(t, t.TempDir())
	for i, spec := range layout {
		b := section(t, r, spec.Name, spec.Size).Bytes()
		if !slices.Equal(b, make([]byte, spec.Size)) {
			t.Errorf("section %s is not zero at first", spec.Name)
		}
		for k := range b {
			b[k] = byte(i + 1)
		}
	}
	fd, err := unix.Dup(int(r.File().Fd()))
	if err != nil {
		t.Fatal(err)
	}
	other, err := Attach(os.NewFile(uintptr(fd), "other"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for i, spec := range layout {
		want := slices.Repeat([]byte{byte(i + 1)}, spec.Size)
		if b := section(t, other, spec.Name, spec.Size).Bytes(); !slices.Equal(b, want) || cap(b) != spec.Size {
			t.Errorf("section %s is not seen through the other mapping", spec.Name)
		}
	}
}

func TestASectionOfAnotherBuildIsRefused(t *testing.T) {
	r := create(t, t.TempDir())
	for _, spec := range []Spec{{"one", 9}, {"on", 8}, {"one ", 8}, {"three", 1}} {
		if _, err := r.Section(spec.Name, spec.Size); err == nil {
			t.Errorf("section %q of %d bytes is given", spec.Name, spec.Size)
		}
	}
}

func TestARegionLeavesNoFileBehind(t *testing.T) {
	dir := t.TempDir()
	create(t, dir)
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestARegionIsAnonymousWhereTheFolderCannotHoldIt(t *testing.T) {
	r, fallback, err := Create(filepath.Join(t.TempDir(), "absent"), layout...)
	if err != nil || fallback == nil {
		t.Fatalf("got %v, fallback %v", err, fallback)
	}
	defer r.Close()
	section(t, r, "two", pageSize+1).Bytes()[pageSize] = 1
}

func TestAFileThatIsNotARegionIsRefusedAndClosed(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "short"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Attach(file); err == nil || file.Close() == nil {
		t.Errorf("got %v, or the file is still open", err)
	}
}

func TestASectionsLockIsItsOwn(t *testing.T) {
	r := create(t, t.TempDir())
	one, two := section(t, r, "one", 8), section(t, r, "two", pageSize+1)
	for _, s := range []*Section{one, two, Local(1)} {
		if err := s.Lock(); err != nil {
			t.Fatal(err)
		}
		defer s.Unlock()
	}
}

func TestARegionMayBeClosedTwice(t *testing.T) {
	r := create(t, t.TempDir())
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}
