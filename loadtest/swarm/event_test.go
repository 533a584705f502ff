package swarm

import (
	"strings"
	"testing"
	"time"
)

// feed passes bytes to a stream in parts, as connections may deliver them.
func feed(t *testing.T, parts ...string) (State, Counts) {
	t.Helper()
	s := &Swarm{}
	st := &Stream{loop: &loop{swarm: s}, fd: -1, phase: waiting, o: StreamOptions{Keep: true}}
	for _, part := range parts {
		if err := st.loop.received(st, []byte(part), time.Now()); err != nil {
			t.Fatalf("%v, divided as %q", err, parts)
		}
	}
	if st.Text() != "t1 t2 " || len(st.rest) != 0 || st.parser.Partial() {
		t.Fatalf("text %q and %q left, divided as %q", st.Text(), st.rest, parts)
	}
	return st.state, s.Counts()
}

func TestAStreamIsTheSameWhereverItsBytesAreDivided(t *testing.T) {
	whole := head + "retry: 1234\n\n: keepalive\n\n" + tokens(1, 2) + event(3, "complete", `,"success":true`)
	for name, text := range map[string]string{
		"lines end in LF": whole,
		"in CRLF":         head + strings.ReplaceAll(strings.TrimPrefix(whole, head), "\n", "\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			check := func(parts ...string) {
				t.Helper()
				state, counts := feed(t, parts...)
				if want := (Counts{Opened: 1, Open: 1, Events: 3}); counts != want || state.LastID != "e1.3" ||
					state.Terminal != "complete" || state.Retry != 1234*time.Millisecond {
					t.Fatalf("%+v, %+v, divided as %q", counts, state, parts)
				}
			}
			for i := range text {
				check(text[:i], text[i:])
				if rest := text[i:]; len(rest) > 3 {
					check(text[:i], rest[:1], rest[1:2], rest[2:])
				}
			}
			check(strings.Split(text, "")...)
		})
	}
}

func TestATextIsATokensAlone(t *testing.T) {
	for data, want := range map[string]string{
		`{"type":"token","seq":1,"text":"a \"b\" "}`: `a \"b\" `,
		`{"type":"token","seq":1}`:                   "",
		`{"type":"progress","seq":1,"text":"a"}`:     "",
	} {
		e := Event{Data: []byte(data)}
		e.read()
		if string(e.Text()) != want {
			t.Errorf("%s says %q, want %q", data, e.Text(), want)
		}
	}
}

// FuzzReceived looks for bytes that crash a stream.
func FuzzReceived(f *testing.F) {
	f.Add(head+tokens(1, 2), 10)
	f.Add(head+"\n\n\r\n:\n\ndata\n\nid\nretry: -1\n\n", 80)
	f.Fuzz(func(_ *testing.T, text string, cut int) {
		st := &Stream{loop: &loop{swarm: &Swarm{}}, fd: -1, phase: waiting}
		cut = min(max(cut, 0), len(text))
		for _, part := range []string{text[:cut], text[cut:]} {
			if st.loop.received(st, []byte(part), time.Now()) != nil || st.phase == closed {
				return
			}
		}
	})
}
