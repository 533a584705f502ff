package process

import (
	"testing"

	"studysharper/app/cache/contextcache"
	"studysharper/app/config"
	"studysharper/app/memory/shm"
)

func TestWhatAServerKeepsIsReadEachTimeForOthersMayChangeIt(t *testing.T) {
	for url, want := range map[string]bool{"sqlite:data/studysharper.db": true, "postgres://u@db/x": false, "postgresql://u@db/x": false} {
		versions := newVersions(config.Config{DatabaseURL: url}, shm.Local(contextcache.VersionsSize))
		if _, reliable := versions.Version("ann", "notes"); reliable != want {
			t.Errorf("%s: %v", url, reliable)
		}
	}
}
