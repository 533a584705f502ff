package servicetest

import (
	"os"
	"path/filepath"
	"testing"
)

// StartImporting starts the service with a compiled PDF reader. Compiling takes long on a busy machine, so the first
// test does it, as the build of the image does; the others find the result in the user's cache folder.
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
