package eventstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"studysharper/app/study"
)

func TestAppendEventFramesEveryLineOfTheData(t *testing.T) {
	for _, c := range []struct{ name, id, data, want string }{
		{"one line", "e.1", `{"a":1}`, "id: e.1\ndata: {\"a\":1}\n\n"},
		{"no id", "", "x", "data: x\n\n"},
		{"no data", "1", "", "id: 1\ndata: \n\n"},
		{"LF", "", "a\nb", "data: a\ndata: b\n\n"},
		{"CR", "", "a\rb", "data: a\ndata: b\n\n"},
		{"CRLF", "", "a\r\nb", "data: a\ndata: b\n\n"},
		{"line ends at both ends", "", "\n\r", "data: \ndata: \ndata: \n\n"},
		{"what looks like fields", "", "x\n\ndata: y\nid: 9", "data: x\ndata: \ndata: data: y\ndata: id: 9\n\n"},
		{"id with LF", "1\ndata: evil", "x", "data: x\n\n"},
		{"id with CR", "1\rx", "x", "data: x\n\n"},
		{"id with NUL", "1\x00", "x", "data: x\n\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(AppendEvent([]byte("<"), c.id, []byte(c.data))); got != "<"+c.want {
				t.Errorf("got %q, want %q", got, "<"+c.want)
			}
		})
	}
}

func TestCommentsAndRetryAreNoEvents(t *testing.T) {
	var wire []byte
	wire = AppendRetry(wire, 1500*time.Millisecond)
	wire = AppendComment(wire, "keepalive")
	wire = AppendComment(wire, "two\nlines\n\ndata: none")
	if want := "retry: 1500\n\n: keepalive\n\n: two\n: lines\n: \n: data: none\n\n"; string(wire) != want {
		t.Fatalf("got %q, want %q", wire, want)
	}
	r := NewReader(bytes.NewReader(wire), Limits{})
	if e, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Fatalf("got event %+v, error %v; want none and io.EOF", e, err)
	}
	if wait, ok := r.Retry(); !ok || wait != 1500*time.Millisecond {
		t.Errorf("retry is %v, %v; want 1.5s", wait, ok)
	}
	if got := string(AppendRetry(nil, -time.Second)); got != "retry: 0\n\n" {
		t.Errorf("a negative retry is written as %q", got)
	}
}

// vector is one case of the shared file: some bytes, and the events that Chromium parses from them.
type vector struct {
	Name   string `json:"name"`
	Bytes  []byte `json:"bytes_b64"`
	Expect []struct {
		Type string `json:"type"`
		Data string `json:"data"`
		ID   string `json:"id"`
	} `json:"expect"`
}

func TestReaderPassesTheWebPlatformVectors(t *testing.T) {
	const file = "../../../shared/data/wpt-sse-vectors.json"
	raw, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the shared vectors are not here:", file)
	}
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Vectors []vector `json:"vectors"`
	}
	if err := json.Unmarshal(raw, &all); err != nil || len(all.Vectors) < 20 {
		t.Fatalf("%d vectors, error %v", len(all.Vectors), err)
	}
	for _, v := range all.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			checkVector(t, v, bytes.NewReader(v.Bytes))
			checkVector(t, v, iotest.OneByteReader(bytes.NewReader(v.Bytes)))
		})
	}
}

func checkVector(t *testing.T, v vector, src io.Reader) {
	t.Helper()
	r := NewReader(src, Limits{Line: 128 << 10})
	for i, want := range v.Expect {
		got, err := r.Next()
		if err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		if got.Name != want.Type || string(got.Data) != want.Data || got.ID != want.ID {
			t.Errorf("event %d is %.80q %.80q %q, want %.80q %.80q %q", i, got.Name, got.Data, got.ID, want.Type, want.Data, want.ID)
		}
	}
	if e, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last event: %+v, %v; want io.EOF", e, err)
	}
}

func TestReaderRefusesOneBytePastEachLimit(t *testing.T) {
	limits := Limits{Line: 16, Event: 20}
	long := "data: " + strings.Repeat("x", 10) // 16 bytes
	for _, c := range []struct {
		name, wire string
		ok         bool
	}{
		{"line at its limit", long + "\n\n", true},
		{"line past its limit", long + "x\n\n", false},
		{"comment past the line limit", ":" + strings.Repeat("x", 16) + "\ndata: 1\n\n", false},
		{"endless line", strings.Repeat("x", 1<<16), false},
		{"event at its limit", "data: 0123456789\ndata: 012345678\n\n", true},
		{"event past its limit", "data: 0123456789\ndata: 0123456789\n\n", false},
		{"event of empty lines past its limit", strings.Repeat("data\n", 22) + "\n", false},
		{"event of empty lines at its limit", strings.Repeat("data\n", 21) + "\n", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader(strings.NewReader(c.wire), limits)
			_, err := r.Next()
			if c.ok {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if e := study.AsError(err); e == nil || e.Code != study.CodeTooLarge {
				t.Fatalf("error is %v, want too_large", err)
			}
			if _, again := r.Next(); again != err {
				t.Errorf("the error did not stay: %v", again)
			}
		})
	}
}

func TestReaderGivesAnEventWithoutWaitingForTheLFBehindACR(t *testing.T) {
	pr, pw := io.Pipe()
	defer pw.Close()
	go func() { _, _ = io.WriteString(pw, "data: x\r\r") }()
	r := NewReader(pr, Limits{})
	e, err := r.Next()
	if err != nil || string(e.Data) != "x" {
		t.Fatalf("got %q, %v", e.Data, err)
	}
	go func() { _, _ = io.WriteString(pw, "\ndata: y\r\n\r\n") }()
	if e, err = r.Next(); err != nil || string(e.Data) != "y" {
		t.Fatalf("got %q, %v", e.Data, err)
	}
}

func TestReaderKeepsTheIDToReconnectWith(t *testing.T) {
	r := NewReader(strings.NewReader("id: 1\ndata: a\n\nid: 2\n\nid: 3\ndata: unfinished\n"), Limits{})
	if e, err := r.Next(); err != nil || e.ID != "1" || r.LastID() != "1" {
		t.Fatalf("event %+v, %v, last id %q", e, err, r.LastID())
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) || r.LastID() != "2" {
		t.Errorf("error %v, last id %q; want io.EOF and the id of the last finished block", err, r.LastID())
	}
}

func TestReaderCapsRetry(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"0": 0, "2147483647": 2147483647 * time.Millisecond,
		"2147483648": 2147483647 * time.Millisecond, "99999999999999999999999": 2147483647 * time.Millisecond,
	} {
		r := NewReader(strings.NewReader("retry: "+value+"\n"), Limits{})
		_, _ = r.Next()
		if got, ok := r.Retry(); !ok || got != want {
			t.Errorf("retry: %s is %v, %v; want %v", value, got, ok, want)
		}
	}
	for _, value := range []string{"", "-1", "+1", "1.5", "1 ", "١"} {
		r := NewReader(strings.NewReader("retry: "+value+"\n"), Limits{})
		_, _ = r.Next()
		if got, ok := r.Retry(); ok {
			t.Errorf("retry: %q counted as %v", value, got)
		}
	}
}

func TestReaderHandsOnTheErrorOfItsSource(t *testing.T) {
	broken := errors.New("broken")
	r := NewReader(io.MultiReader(strings.NewReader("data: x\n\ndata: y\n"), iotest.ErrReader(broken)), Limits{})
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); !errors.Is(err, broken) {
		t.Errorf("error is %v", err)
	}
}

func TestIllFormedUTF8BecomesReplacementCharactersAsTheEncodingStandardCountsThem(t *testing.T) {
	for in, want := range map[string]string{
		"\xff":                       "\uFFFD",
		"a\xe2\x80b":                 "a\uFFFDb",
		"\xe2\x80":                   "\uFFFD",
		"\xf0\x9f\x98":               "\uFFFD",
		"\xf0\x9f\x98\xff":           "\uFFFD\uFFFD",
		"\xe0\x80\x80":               "\uFFFD\uFFFD\uFFFD",
		"\xed\xa0\x80":               "\uFFFD\uFFFD\uFFFD",
		"\xf4\x90\x80\x80":           "\uFFFD\uFFFD\uFFFD\uFFFD",
		"\xc0\xaf":                   "\uFFFD\uFFFD",
		"ok \uFFFD \xf0\x9f\x98\x80": "ok \uFFFD \U0001F600",
	} {
		if got := string(wellFormed([]byte(in))); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// refEvents is a direct implementation of the standard's algorithm, on a whole stream.
func refEvents(stream string) (events []Event, lastID string) {
	stream = strings.TrimPrefix(stream, "\uFEFF")
	stream = strings.ReplaceAll(strings.ReplaceAll(stream, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(stream, "\n")
	data, name, id := "", "", ""
	for _, line := range lines[:len(lines)-1] {
		field, value, colon := strings.Cut(line, ":")
		if colon && strings.HasPrefix(value, " ") {
			value = value[1:]
		}
		switch {
		case line == "":
			lastID = id
			if data != "" {
				if name == "" {
					name = "message"
				}
				events = append(events, Event{ID: id, Name: name, Data: []byte(data[:len(data)-1])})
			}
			data, name = "", ""
		case field == "data":
			data += value + "\n"
		case field == "event":
			name = value
		case field == "id" && !strings.Contains(value, "\x00"):
			id = value
		}
	}
	return events, lastID
}

func FuzzReaderAgreesWithTheStandard(f *testing.F) {
	for _, seed := range []string{
		"", "data: x\n\n", "\uFEFF\uFEFFdata: 1\n\n", "id: 1\r\nevent: e\r\rdata\ndata:\n\n", ":c\n\nretry: 5\n\nid\x00: 3\ndata: y\n\n",
		"id: a\x00\nid\ndata: \r\n\r\n", "data: cut", "\r\n\r\n\n", "data\x00:x\n\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, stream string) {
		if !utf8.ValidString(stream) || len(stream) > 1<<16 {
			t.Skip("the reference takes short UTF-8 only")
		}
		want, lastID := refEvents(stream)
		for _, src := range []io.Reader{strings.NewReader(stream), iotest.OneByteReader(strings.NewReader(stream))} {
			r := NewReader(src, Limits{Line: 1 << 16, Event: 1 << 16})
			for i, w := range want {
				got, err := r.Next()
				if err != nil || got.ID != w.ID || got.Name != w.Name || !bytes.Equal(got.Data, w.Data) {
					t.Fatalf("event %d of %q: got %q (%v), want %q", i, stream, got, err, w)
				}
			}
			if e, err := r.Next(); !errors.Is(err, io.EOF) || r.LastID() != lastID {
				t.Fatalf("end of %q: %q, %v, last id %q, want %q", stream, e, err, r.LastID(), lastID)
			}
		}
	})
}

func FuzzWhatIsWrittenIsRead(f *testing.F) {
	f.Add("1", []byte("a\r\nb\rc\n"), "keepalive", []byte(""))
	f.Add("", []byte("data: x\n\nid: 7"), "\n\ndata: no", []byte("\xff\r"))
	f.Add("a\nb", []byte(nil), "", []byte("\uFEFF"))
	f.Fuzz(func(t *testing.T, id string, first []byte, comment string, second []byte) {
		var wire []byte
		wire = AppendRetry(wire, time.Second)
		wire = AppendEvent(wire, id, first)
		wire = AppendComment(wire, comment)
		wire = AppendEvent(wire, "", second)
		wantID := string(wellFormed([]byte(id)))
		if strings.ContainsAny(id, "\x00\r\n") {
			wantID = ""
		}
		r := NewReader(bytes.NewReader(wire), Limits{Line: len(wire), Event: len(wire)})
		for _, data := range [][]byte{first, second} {
			want := bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
			got, err := r.Next()
			if err != nil || got.ID != wantID || got.Name != "message" || !bytes.Equal(got.Data, wellFormed(want)) {
				t.Fatalf("got %q (%v), want id %q, data %q", got, err, wantID, want)
			}
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Fatalf("behind the last event: %v", err)
		}
	})
}

func BenchmarkAppendEvent(b *testing.B) {
	data := []byte(`{"type":"token","seq":123,"text":"photosynthesis "}`)
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendEvent(dst[:0], "3k7x1c0a.123", data)
	}
}

func BenchmarkReader(b *testing.B) {
	wire := bytes.Repeat(AppendEvent(nil, "3k7x1c0a.123", []byte(`{"type":"token","seq":123,"text":"photosynthesis "}`)), 1000)
	b.SetBytes(int64(len(wire)))
	b.ReportAllocs()
	for b.Loop() {
		r := NewReader(bytes.NewReader(wire), Limits{})
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	}
}

func TestParserGivesTheSameEventsHoweverTheStreamIsCut(t *testing.T) {
	const stream = "\uFEFFid: 1\ndata: one\n\n: comment\r\nretry: 7\r\ndata: two\r\ndata: lines\r\nevent: named\r\n\r\nid: 3\rdata\r\rid: 4\n\ndata: cut"
	want := []string{"1 message one", "1 named two\nlines", "3 message "}
	for first := range len(stream) {
		for second := first; second < len(stream); second++ {
			var p Parser
			var got []string
			for _, chunk := range []string{stream[:first], stream[first:second], stream[second:]} {
				for rest, ok := []byte(chunk), true; ok; {
					var e Event
					var err error
					if e, rest, ok, err = p.Next(rest, Limits{}); err != nil {
						t.Fatal(err)
					}
					if ok {
						got = append(got, e.ID+" "+e.Name+" "+string(e.Data))
					}
				}
			}
			if wait, ok := p.Retry(); !slices.Equal(got, want) || p.LastID() != "4" || !ok || wait != 7*time.Millisecond || !p.Partial() {
				t.Fatalf("cut at %d and %d: got %q, last id %q, retry %v, partial %v", first, second, got, p.LastID(), wait, p.Partial())
			}
		}
	}
}

func TestParserHoldsNothingOfEventsThatCameInOneChunk(t *testing.T) {
	var p Parser
	for rest, ok := []byte("id: 1\ndata: one\n\nid: 2\ndata: two\n\n"), true; ok; {
		_, rest, ok, _ = p.Next(rest, Limits{})
	}
	if cap(p.line)+cap(p.data) != 0 || p.chunk != nil || p.Partial() {
		t.Errorf("it holds %d and %d bytes", cap(p.line), cap(p.data))
	}
}
