package servicetest

import (
	"os"
	"path/filepath"
	"testing"
)

// StartImporting starts the service with a compiled PDF reader, which takes the longer the busier the machine is. The first
// test compiles it, as the build of the image does; the others find it in the user's folder of caches.
func StartImporting(t *testing.T) *Service {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skip(err)
	}
	fill := Program(t, nil, "extract", "--fill", filepath.Join(cache, "studysharper", "pdf-reader"))
	if out, err := fill.CombinedOutput(); err != nil {
		t.Fatalf("fill the cache: %v\n%s", err, out)
	}
	return Start(t, "XDG_CACHE_HOME="+cache)
}
