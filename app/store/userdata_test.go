package store_test

import (
	"database/sql"
	"strings"
	"testing"

	"studysharper/app/store"
	"studysharper/app/store/storetest"
)

// tableRows counts the rows of every table with users' data: all but the database's own tables.
func tableRows(t *testing.T, path string) map[string]int {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT name FROM sqlite_schema WHERE type = 'table'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	counts := map[string]int{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if others[name] || strings.Contains(name, "_words_") || strings.HasPrefix(name, "sqlite_") {
			continue
		}
		var n int
		if err := db.QueryRow("SELECT count(*) FROM " + name).Scan(&n); err != nil {
			t.Fatal(err)
		}
		counts[name] = n
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	return counts
}

// others are the tables without users' data.
var others = map[string]bool{"goose_db_version": true, "secrets": true}

// A table that a later version adds must be filled by storetest.Fill, and emptied by DeleteUser.
func TestNoTableHoldsAnythingOfADeletedUser(t *testing.T) {
	url := fresh(t)
	s := open(t, url, store.Options{BusyTimeout: patient})
	storetest.Fill(t, s, "ada")
	one := tableRows(t, pathOf(url))
	for table, n := range one {
		if n == 0 {
			t.Errorf("Fill leaves %s empty", table)
		}
	}
	if len(one) < 9 {
		t.Errorf("only the tables %v were found", one)
	}
	storetest.Fill(t, s, "bob")
	if err := s.DeleteUser(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	for table, n := range tableRows(t, pathOf(url)) {
		if n != one[table] {
			t.Errorf("%s has %d rows, of which %d are another user's", table, n, one[table])
		}
	}
}
