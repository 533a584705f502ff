package memory

import (
	"math"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

const touched = 32 << 20 // bytes that a test makes resident

func memoryOfThisProcess(t *testing.T) Process {
	t.Helper()
	m, err := ReadProcess(os.Getpid())
	if err != nil || m.Anonymous < 1<<20 || m.Resident < m.Anonymous || m.Resident > 1<<33 {
		t.Fatalf("got %+v, %v", m, err)
	}
	return m
}

// touch makes every page of memory resident.
func touch(memory []byte) {
	for i := 0; i < len(memory); i += int(pageSize) {
		memory[i] = 1
	}
}

func TestAnonymousMemoryHasTheHeapInItAndNoFilesPages(t *testing.T) {
	before := memoryOfThisProcess(t)
	mapped, err := unix.Mmap(-1, 0, touched, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	touch(mapped)
	if m := memoryOfThisProcess(t); m.Resident-before.Resident < touched/2 || m.Anonymous-before.Anonymous > touched/2 {
		t.Errorf("with a file mapped: %+v, before %+v", m, before)
	}
	if err := unix.Munmap(mapped); err != nil {
		t.Fatal(err)
	}
	heap := make([]byte, touched)
	touch(heap)
	if m := memoryOfThisProcess(t); m.Anonymous-before.Anonymous < touched/2 {
		t.Errorf("with a heap: %+v, before %+v", m, before)
	}
	runtime.KeepAlive(heap)
}

func TestAProcessThatIsNotThereHasNoMemory(t *testing.T) {
	if m, err := ReadProcess(math.MaxInt32); err == nil {
		t.Errorf("got %+v", m)
	}
}

func TestParseStatm(t *testing.T) {
	for text, want := range map[string]Process{
		"448396 5126 4240 2497 0 32737 0\n": {Resident: 5126 * pageSize, Anonymous: 886 * pageSize},
		"9 3 4 0 0 0 0":                     {Resident: 3 * pageSize}, // the kernel reads the two figures at different times
	} {
		if got, err := parseStatm([]byte(text)); err != nil || got != want {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1 2", "1 x 3", "1 2 x"} {
		if _, err := parseStatm([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestOpenFilesAreCounted(t *testing.T) {
	const more = 300 // more than one getdents call returns
	before, err := OpenFiles(os.Getpid())
	if err != nil || before < 3 {
		t.Fatalf("%d descriptors, %v", before, err)
	}
	for range more {
		file, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
	}
	if after, err := OpenFiles(os.Getpid()); err != nil || after != before+more {
		t.Errorf("%d descriptors became %d, %v", before, after, err)
	}
	if _, err := OpenFiles(1 << 30); err == nil {
		t.Error("a process that does not exist has descriptors")
	}
}
