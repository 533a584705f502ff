package store

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Page says which part of a list to return. A list comes with the cursor of what
// follows, "" at its end. Between the pages of a list that nobody changes no row is
// missing and none comes twice; a row that is made or moved to the list's beginning meanwhile
// is not seen, and the others are. A cursor stays good while its database does, also
// when the row it was made at is gone.
type Page struct {
	Limit  int    // rows; clamped to 1..MaxRows
	Before string // the cursor that the page before this one came with; "" starts the list
}

// place is a row's position in its list. A list is ordered by some of these, the
// largest first.
type place struct {
	at  int64 // microseconds since 1970
	num int64
	id  string
}

// start is the place before every row: ~ sorts behind every UUID.
var start = place{math.MaxInt64, math.MaxInt64, "~"}

// cursor is the place as callers hold it, good for one list only.
func (p place) cursor(list string) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s %d %d %s", list, p.at, p.num, p.id))
}

// before reads a cursor of the list.
func (c *checks) before(list, cursor string) place {
	if cursor == "" {
		return start
	}
	p, ok := readCursor(list, cursor)
	c.add(!ok, "before", "must be a cursor that this list came with")
	return p
}

func readCursor(list, cursor string) (p place, ok bool) {
	text, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	parts := strings.Split(string(text), " ")
	if err != nil || len(parts) != 4 || parts[0] != list {
		return place{}, false
	}
	p.id = parts[3]
	if p.at, err = strconv.ParseInt(parts[1], 10, 64); err != nil {
		return place{}, false
	}
	if p.num, err = strconv.ParseInt(parts[2], 10, 64); err != nil {
		return place{}, false
	}
	return p, p.id == "" || isUUID(p.id)
}

// mark is what a list has to know of a row.
type mark struct {
	place
	bytes int // of its text as JSON
}

// rowBytes is what a row takes besides its text: the names of its fields, ids and times, of which a user's id may
// have 128 characters of four bytes.
const rowBytes = 1 << 10

// jsonBytes is how long a text is in JSON at most: encoding/json writes up to six bytes for one.
func jsonBytes[T string | []byte](text T) int {
	n := len(text)
	for i := range len(text) {
		switch b := text[i]; {
		case b < ' ', b == '<', b == '>', b == '&':
			n += 5
		case b == '"', b == '\\':
			n++
		case b == 0xe2: // of U+2028 and U+2029, which take six bytes for three
			n += 3
		}
	}
	return n
}

// sheet is a page being filled.
type sheet[T any] struct {
	list  string
	limit int
	rows  []T
	bytes int
	last  place
	next  string // the cursor after rows, once there is a row that has no room
}

// take adds a row; false: there is no room for it.
func (s *sheet[T]) take(v T, m mark) bool {
	s.bytes += m.bytes + rowBytes
	if len(s.rows) == s.limit || (len(s.rows) > 0 && s.bytes > MaxListBytes) {
		s.next = s.last.cursor(s.list)
		return false
	}
	s.rows, s.last = append(s.rows, v), m.place
	return true
}
