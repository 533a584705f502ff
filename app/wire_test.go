package main

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"studysharper/app/config"
	"studysharper/app/contextcache"
)

func TestWhatAServerKeepsIsReadEachTimeForOthersMayChangeIt(t *testing.T) {
	shared, err := contextcache.OpenVersions()
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Close()
	for url, want := range map[string]bool{"sqlite:data/studysharper.db": true, "postgres://u@db/x": false, "postgresql://u@db/x": false} {
		fd, err := unix.Dup(int(shared.File().Fd()))
		if err != nil {
			t.Fatal(err)
		}
		versions, err := attachVersions(config.Config{DatabaseURL: url}, os.NewFile(uintptr(fd), "revisions"))
		if err != nil {
			t.Fatal(err)
		}
		if _, reliable := versions.Version("ann", "notes"); reliable != want {
			t.Errorf("%s: %v", url, reliable)
		}
		_ = versions.Close()
	}
}
