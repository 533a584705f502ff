package openai

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"studysharper/app/text"
)

// rawValue is a JSON value as it is in a body; jsonString is one that is a string; nil is null. Contrary to
// json.Unmarshaler's contract, neither is copied, so that a body near its limit is not in memory twice: they are valid
// as long as the body is.
type (
	rawValue   []byte
	jsonString []byte
)

// UnmarshalJSON stores any value.
func (v *rawValue) UnmarshalJSON(value []byte) error {
	*v = value
	return nil
}

// UnmarshalJSON stores a string; anything else counts as null, because some upstreams are careless.
func (q *jsonString) UnmarshalJSON(value []byte) error {
	*q = nil
	if value[0] == '"' {
		*q = value
	}
	return nil
}

// equals reports whether the string is word, which must not need escaping.
func (q jsonString) equals(word string) bool { return string(q.content()) == word }

func (q jsonString) isEmpty() bool { return len(q) <= len(`""`) }

// content returns the text between the quotes.
func (q jsonString) content() []byte {
	if q.isEmpty() {
		return nil
	}
	return q[1 : len(q)-1]
}

// appendTo appends the decoded string. If it is longer than room, appendTo appends
// nothing and returns false.
func (q jsonString) appendTo(to *strings.Builder, room int) bool {
	size := 0
	for part, r := range q.pieces {
		if size += len(part); part == nil {
			size += utf8.RuneLen(r)
		}
		if size > room {
			return false
		}
	}
	to.Grow(size)
	for part, r := range q.pieces {
		if to.Write(part); part == nil {
			to.WriteRune(r)
		}
	}
	return true
}

// decode returns the decoded string, unless it is longer than limit.
func (q jsonString) decode(limit int) (string, bool) {
	var b strings.Builder
	ok := q.appendTo(&b, limit)
	return b.String(), ok
}

// pieces yields the decoded string piece by piece: a part of q, or nil and a character. Invalid UTF-8 becomes U+FFFD,
// for each byte and each half of a surrogate pair, as in encoding/json.
func (q jsonString) pieces(yield func([]byte, rune) bool) {
	for s := q.content(); len(s) > 0; {
		end := bytes.IndexByte(s, '\\')
		if end < 0 {
			end = len(s)
		}
		for plain := s[:end]; len(plain) > 0; {
			part, size := validPart(plain)
			if !yield(part, utf8.RuneError) {
				return
			}
			plain = plain[size:]
		}
		if s = s[end:]; len(s) > 0 {
			r, size := escape(s)
			if !yield(nil, r) {
				return
			}
			s = s[size:]
		}
	}
}

// validPart returns the valid UTF-8 at the start of s, or nil for one invalid byte, and its
// length in s.
func validPart(s []byte) (part []byte, size int) {
	if utf8.Valid(s) {
		return s, len(s)
	}
	for size < len(s) {
		r, n := utf8.DecodeRune(s[size:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		size += n
	}
	if size == 0 {
		return nil, 1
	}
	return s[:size], size
}

// escape decodes the escape at the start of s, the rest of a valid JSON string (RFC 8259, section 7).
func escape(s []byte) (r rune, size int) {
	switch s[1] {
	case 'u':
		r, size := text.UnicodeEscape(s)
		return r, max(size, len(`\u`)) // not 0, because the string is valid JSON
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	default:
		return rune(s[1]), 2
	}
}

// splitHalf cuts off an incomplete character at the end of the string (the first half of a surrogate pair, or the first
// bytes of UTF-8), whose rest may come in the next chunk, and prepends the part that was cut off before.
func (q jsonString) splitHalf(before []byte) (whole jsonString, half []byte) {
	inside := q.content()
	if n := len(inside) - len(`\ud83d`); n >= 0 && text.IsHighSurrogate(inside[n:]) && !escaped(inside[:n]) {
		inside, half = inside[:n], bytes.Clone(inside[n:])
	}
	if n := unfinishedRune(inside); n > 0 && half == nil {
		inside, half = inside[:len(inside)-n], bytes.Clone(inside[len(inside)-n:])
	}
	if len(before) == 0 && half == nil {
		return q, nil
	}
	whole = append(append(append(jsonString{'"'}, before...), inside...), '"')
	return whole, half
}

// unfinishedRune returns the length of an incomplete character at the end of s, whose other bytes may come in the next
// chunk.
func unfinishedRune(s []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(s); n++ {
		if c := s[len(s)-n]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(s[len(s)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

// escaped reports whether the byte after s is escaped by a backslash.
func escaped(s []byte) bool {
	n := 0
	for n < len(s) && s[len(s)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// wireNumber is a number, or a number written as a string; anything else is 0.
type wireNumber float64

// UnmarshalJSON implements json.Unmarshaler.
func (n *wireNumber) UnmarshalJSON(value []byte) error {
	*n = 0
	if f, err := strconv.ParseFloat(strings.Trim(string(value[:min(len(value), maxCodeBytes)]), `"`), 64); err == nil && f > 0 {
		*n = wireNumber(min(f, maxNumber))
	}
	return nil
}

const maxNumber = 1e12 // larger than any token count
