package testkit

import (
	"os"
	"path/filepath"
	"testing"
)

// Root returns the repository's folder: the nearest one above the working directory that contains go.mod.
func Root() string {
	folder, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			panic("no go.mod above the working directory")
		}
		folder = filepath.Dir(folder)
	}
}

// ReadFile reads a file of the repository; its path is relative to Root.
func ReadFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Root(), filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
