package store

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"studysharper/app/study"
)

// checks collects the faults in the arguments of a call.
type checks []study.Fault

func (c *checks) add(bad bool, field, detail string) {
	if bad {
		*c = append(*c, study.Fault{Field: field, Detail: detail})
	}
}

// text refuses text that a database cannot store; PostgreSQL takes neither invalid UTF-8 nor NUL.
func (c *checks) text(field, s string) {
	c.add(!storable(s), field, "must be UTF-8 without NUL")
}

func (c *checks) user(id string) {
	c.add(id == "" || utf8.RuneCountInString(id) > study.MaxIDRunes, "user_id", "1 to 128 characters")
	c.text("user_id", id)
}

// CheckUser is CodeInvalid unless id can name a user: 1 to study.MaxIDRunes characters of UTF-8, without NUL.
func CheckUser(id string) error {
	var c checks
	c.user(id)
	return c.err()
}

func (c *checks) title(s string) {
	c.add(utf8.RuneCountInString(s) > MaxTitleRunes, "title", "at most 200 characters")
	c.text("title", s)
}

func (c *checks) uuid(field, id string) {
	c.add(!isUUID(id), field, "must be a UUID")
}

func (c checks) err() error { return study.Invalid(c) }

func storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// isUUID accepts the canonical 36 characters only, in either case.
func isUUID(id string) bool { return len(id) == 36 && uuid.Validate(id) == nil }

// newID makes a UUID v7; later ids sort after earlier ones.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

func clampLimit(n int) int { return min(max(n, 1), MaxRows) }

// sanitize makes text storable: invalid UTF-8 and NUL become U+FFFD, and text longer than the given number of bytes is cut
// at a rune.
func sanitize(s string, bytes int) string {
	const replacement = "\uFFFD"
	s = strings.ReplaceAll(strings.ToValidUTF8(s, replacement), "\x00", replacement)
	if len(s) <= bytes {
		return s
	}
	for bytes > 0 && !utf8.RuneStart(s[bytes]) {
		bytes--
	}
	return s[:bytes]
}

// now is the current time in the stored precision.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// orNow is t in the stored precision, or the current time if t is zero.
func orNow(t time.Time) time.Time {
	if t.IsZero() {
		return now()
	}
	return t.UTC().Truncate(time.Microsecond)
}

func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }
