package memfile

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWhatOneMappingWritesTheOtherReads(t *testing.T) {
	file, err := Open("test", 4096)
	if err != nil {
		t.Fatal(err)
	}
	inherited, err := unix.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	one, err := Map(file, 4096)
	if err != nil {
		t.Fatal(err)
	}
	other, err := Map(os.NewFile(uintptr(inherited), "test"), 4096)
	if err != nil {
		t.Fatal(err)
	}
	if one[4095] != 0 {
		t.Error("new memory is not zero")
	}
	if one[4095] = 7; other[4095] != 7 {
		t.Error("the other mapping does not see it")
	}
}

func TestAFileThatCannotBeMappedIsClosed(t *testing.T) {
	file, err := Open("test", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Map(file, 0); err == nil || file.Close() == nil {
		t.Errorf("mapping nothing: %v, or the file is still open", err)
	}
}
