package openai

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var errNoString = errors.New("neither a string nor null")

// raw is a JSON value as it stands in a body, and quoted one that is a string; nil is
// null. Neither is copied, against the custom of json.Unmarshaler: they are good as
// long as the body is, and a body near its bound must not be held twice.
type (
	raw    []byte
	quoted []byte
)

// UnmarshalJSON keeps any value.
func (v *raw) UnmarshalJSON(value []byte) error {
	*v = value
	return nil
}

// UnmarshalJSON keeps a string or null, and refuses anything else.
func (q *quoted) UnmarshalJSON(value []byte) error {
	switch value[0] {
	case '"':
		*q = value
	case 'n':
		*q = nil
	default:
		return errNoString
	}
	return nil
}

// is reports whether the string is word, which needs no escaping.
func (q quoted) is(word string) bool { return string(q.inside()) == word }

func (q quoted) empty() bool { return len(q) <= len(`""`) }

// inside is what stands between the quotes.
func (q quoted) inside() []byte {
	if q.empty() {
		return nil
	}
	return q[1 : len(q)-1]
}

// appendTo decodes the string onto text; one that is longer than room is left out
// whole, and is false.
func (q quoted) appendTo(text *strings.Builder, room int) bool {
	size := 0
	for part, r := range q.pieces {
		if size += len(part); part == nil {
			size += utf8.RuneLen(r)
		}
		if size > room {
			return false
		}
	}
	text.Grow(size)
	for part, r := range q.pieces {
		if text.Write(part); part == nil {
			text.WriteRune(r)
		}
	}
	return true
}

// pieces gives the decoded string piece by piece: a part of q, or nil and a character.
// What is not UTF-8 becomes U+FFFD, each byte and each half of a pair, as in encoding/json.
func (q quoted) pieces(yield func([]byte, rune) bool) {
	for s := q.inside(); len(s) > 0; {
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

// validPart gives the UTF-8 that s begins with, or nil for its first byte, and how many
// bytes of s that is.
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

// escape reads the escape that s, the rest of a valid JSON string, begins with (RFC 8259, 7).
func escape(s []byte) (r rune, size int) {
	switch s[1] {
	case 'u':
		return unicodeEscape(s)
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

// unicodeEscape reads \uXXXX, or two of them that are a pair.
func unicodeEscape(s []byte) (r rune, size int) {
	r = hexRune(s)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if next := s[6:]; len(next) >= 6 && next[0] == '\\' && next[1] == 'u' {
		if pair := utf16.DecodeRune(r, hexRune(next)); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

func hexRune(s []byte) rune {
	n, err := strconv.ParseUint(string(s[2:6]), 16, 16)
	if err != nil {
		return utf8.RuneError // not in valid JSON
	}
	return rune(n)
}
