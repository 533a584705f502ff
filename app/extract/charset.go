package extract

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// maxControls is the percentage of control characters above which data does not count as text.
const maxControls = 2

// decodeText decodes text: UTF-8; UTF-16 with a byte order mark or with a zero in every other byte; otherwise
// Windows-1252, which includes Latin-1. It removes the byte order mark and control characters, and converts line ends
// to "\n". It returns false if the data is not text.
func decodeText(data []byte) (string, bool) {
	text := decodeCharset(data)
	controls, all := 0, 0
	var b strings.Builder
	b.Grow(len(text))
	for _, r := range text {
		all++
		switch {
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case r == '\f' || r == '\v' || r == '\u2028' || r == '\u2029' || r == '\u0085':
			b.WriteByte('\n')
		case r == '\ufeff': // a byte order mark
		case unicode.IsControl(r) || r == utf8.RuneError:
			controls++
		default:
			b.WriteRune(r)
		}
	}
	return b.String(), controls*100 <= all*maxControls
}

func decodeCharset(data []byte) string {
	var text string
	switch order := utf16Order(data); {
	case order != nil:
		text = decodeUTF16(data, order)
	case utf8.Valid(trimPartialRune(data)):
		text = string(trimPartialRune(data))
	default:
		text = decodeWindows1252(data)
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}

// trimPartialRune removes an incomplete character at the end of a truncated file.
func trimPartialRune(data []byte) []byte {
	if r, size := utf8.DecodeLastRune(data); r != utf8.RuneError || size != 1 {
		return data
	}
	for i := 1; i < utf8.UTFMax && i <= len(data); i++ {
		if utf8.RuneStart(data[len(data)-i]) {
			return data[:len(data)-i]
		}
	}
	return data
}

// utf16Order returns the byte order of UTF-16, or nil for other texts. Without a byte order mark, it is recognized by
// the zero bytes of Latin letters.
func utf16Order(data []byte) binary.ByteOrder {
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		return binary.LittleEndian
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return binary.BigEndian
	}
	head := data[:min(len(data), 1024)&^1]
	var zeros [2]int
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	switch half := len(head) / 2; {
	case half > 0 && zeros[1] > half*2/3 && zeros[0] == 0:
		return binary.LittleEndian
	case half > 0 && zeros[0] > half*2/3 && zeros[1] == 0:
		return binary.BigEndian
	}
	return nil
}

func decodeUTF16(data []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return string(utf16.Decode(units))
}

func decodeWindows1252(data []byte) string {
	text, err := charmap.Windows1252.NewDecoder().Bytes(data)
	if err != nil { // cannot happen: the decoder replaces unknown bytes
		return ""
	}
	return string(text)
}
