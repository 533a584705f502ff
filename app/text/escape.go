package text

import (
	"unicode/utf16"
	"unicode/utf8"
)

// UnicodeEscape decodes the \uXXXX at the start of s, or a surrogate pair of two of them (RFC 8259, section 7). Half a
// pair becomes U+FFFD. size is the number of bytes decoded, or 0 if s does not begin with an escape.
func UnicodeEscape[T string | []byte](s T) (r rune, size int) {
	const length = len(`\uXXXX`)
	r, ok := escapedUnit(s)
	switch {
	case !ok:
		return utf8.RuneError, 0
	case !utf16.IsSurrogate(r):
		return r, length
	}
	if low, ok := escapedUnit(s[length:]); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 2 * length
		}
	}
	return utf8.RuneError, length
}

// escapedUnit decodes the \uXXXX at the start of s, which may be half of a surrogate pair.
func escapedUnit[T string | []byte](s T) (unit rune, ok bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	for i := 2; i < 6; i++ {
		c := rune(s[i])
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		unit = unit<<4 | c
	}
	return unit, true
}

// IsHighSurrogate reports whether s is the escape of the first half of a surrogate pair.
func IsHighSurrogate[T string | []byte](s T) bool {
	unit, ok := escapedUnit(s)
	return ok && len(s) == 6 && unit >= 0xd800 && unit < 0xdc00
}
