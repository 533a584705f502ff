package store

import "testing"

// LockFolder takes the lock that Migrate takes.
func LockFolder(t *testing.T, folder string) (unlock func()) {
	t.Helper()
	unlock, err := lockFolder(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	return unlock
}

// LiteSchema is the number of SQLite's newest migration.
func LiteSchema() int64 { return liteSchema() }
