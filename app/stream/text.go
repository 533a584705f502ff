package stream

import "bytes"

const (
	textStart = `{"text":"`
	textEnd   = `"}`
)

// onlyText gives the inside of the string in {"text":"…"}, still escaped; not ok
// when the fields are spelled otherwise or hold more.
func onlyText(fields []byte) ([]byte, bool) {
	rest, starts := bytes.CutPrefix(fields, []byte(textStart))
	inside, ends := bytes.CutSuffix(rest, []byte(textEnd))
	if !starts || !ends {
		return nil, false
	}
	for i := 0; i < len(inside); i++ {
		switch inside[i] {
		case '\\':
			if i++; i == len(inside) {
				return nil, false
			}
		case '"':
			return nil, false
		}
	}
	return inside, true
}

// JoinTokens gives the fields of one token event with the texts of two, in a buffer of
// its own. Not ok: one of them holds more than a text, or the two together more than
// 1 KiB, which is as long as Memory's joined events get.
func JoinTokens(fields, next []byte) (joined []byte, ok bool) {
	a, okA := onlyText(fields)
	b, okB := onlyText(next)
	if !okA || !okB || len(a)+len(next) > maxJoined {
		return nil, false
	}
	joined = append(make([]byte, 0, len(fields)+len(b)), textStart...)
	joined = append(append(joined, a...), b...)
	return append(joined, textEnd...), true
}
