package store

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Page selects a part of a list. Each page comes with the cursor of the next one, "" on the last page. As long as the
// list does not change, its pages contain each row exactly once. A row that is created, or moved to the beginning,
// between two pages is missed; all others are listed. A cursor is valid for as long as its database, even after its row
// is deleted.
type Page struct {
	Limit  int    // rows; clamped to 1..MaxRows
	Before string // the cursor that came with the previous page; "" = the first page
}

// place is a row's position in its list. Lists are ordered by some of these fields, descending.
type place struct {
	at  int64 // microseconds since 1970
	num int64
	id  string
}

// start is the place before every row: ~ sorts after every UUID.
var start = place{math.MaxInt64, math.MaxInt64, "~"}

// cursor encodes the place for clients; it is valid for one list only.
func (p place) cursor(list string) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s %d %d %s", list, p.at, p.num, p.id))
}

// before decodes a cursor of the list.
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

// mark is the place and the size of a row.
type mark struct {
	place
	bytes int // of its text, as JSON
}

// rowBytes is an upper bound of a row's size without its text: field names, ids and times. A user id may have 128
// characters of four bytes.
const rowBytes = 1 << 10

// jsonBytes returns an upper bound of a text's length in JSON: encoding/json writes up to six bytes for one.
func jsonBytes[T string | []byte](text T) int {
	n := len(text)
	for i := range len(text) {
		switch b := text[i]; {
		case b < ' ', b == '<', b == '>', b == '&':
			n += 5
		case b == '"', b == '\\':
			n++
		case b == 0xe2: // the first byte of U+2028 and U+2029, whose three bytes become six
			n += 3
		}
	}
	return n
}

// sheet collects the rows of a page.
type sheet[T any] struct {
	list  string
	limit int
	rows  []T
	bytes int
	last  place
	next  string // the cursor of the next page, once a row did not fit
}

// take adds a row, or returns false if the page is full.
func (s *sheet[T]) take(v T, m mark) bool {
	s.bytes += m.bytes + rowBytes
	if len(s.rows) == s.limit || (len(s.rows) > 0 && s.bytes > MaxListBytes) {
		s.next = s.last.cursor(s.list)
		return false
	}
	s.rows, s.last = append(s.rows, v), m.place
	return true
}
