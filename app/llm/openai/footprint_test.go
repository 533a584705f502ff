package openai

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// flood returns a body of size bytes: head, as many fill as fit, tail.
func flood(head, fill, tail string, size int) io.Reader {
	n := (size - len(head) - len(tail)) / len(fill)
	return io.MultiReader(strings.NewReader(head), &repeated{fill: fill, left: n}, strings.NewReader(tail))
}

// repeated reads fill a number of times.
type repeated struct {
	fill string
	left int // complete ones left
	at   int // position in the current one
}

func (r *repeated) Read(p []byte) (n int, err error) {
	for n < len(p) && r.left > 0 {
		piece := copy(p[n:], r.fill[r.at:])
		n, r.at = n+piece, r.at+piece
		if r.at == len(r.fill) {
			r.left, r.at = r.left-1, 0
		}
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func TestFault_L9_APlainAnswerIsHeldOnce(t *testing.T) {
	o := Options{MaxRawBytes: 2 << 20, MaxAnswerBytes: 64 << 10}.withDefaults()
	const content = `{"choices":[{"message":{"content":"`
	for name, test := range map[string]struct {
		head, fill, tail string
		over             int // bytes above the limit
		whole            bool
	}{
		"endless":                   {content, "a", "", 1, false},
		"no JSON":                   {"", "x", "", 0, false},
		"text at the raw bound":     {content, "a", `"}}]}`, 0, false},
		"text of escapes":           {content, `\u0041`, `"}}]}`, 0, false},
		"text of broken bytes":      {content, "\xff", `"}}]}`, 0, false},
		"error at the raw bound":    {`{"error":{"code":"`, "a", `"}}`, 0, false},
		"model at the raw bound":    {`{"choices":[{"message":{"content":"hi"}}],"model":"`, "a", `"}`, 0, true},
		"finish at the raw bound":   {`{"choices":[{"message":{"content":"hi"},"finish_reason":"`, "a", `"}]}`, 0, true},
		"choices without number":    {`{"choices":[{"message":{"content":"hi"}}`, ",{}", `]}`, 0, true},
		"errors without number":     {`{"error":[{}`, ",{}", `]}`, 0, false},
		"reasoning beside the text": {`{"choices":[{"message":{"content":"hi","reasoning":"`, "a", `"}}]}`, 0, true},
	} {
		r := &responseReader{ctx: context.Background(), o: o, idle: newIdleTimer(func() {}, false),
			body: &boundedReader{r: flood(test.head, test.fill, test.tail, o.MaxRawBytes+test.over), left: o.MaxRawBytes}}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		fail := r.readBody(http.Header{})
		runtime.ReadMemStats(&after)
		if (fail == nil) != test.whole {
			t.Errorf("%s: failure %+v", name, fail)
		}
		if over := test.over > 0; fail != nil && over != errors.Is(fail.err, errRawBytes) {
			t.Errorf("%s: error %v", name, fail.err)
		}
		took := int(after.TotalAlloc - before.TotalAlloc)
		t.Logf("%s: %d kB allocated", name, took>>10)
		if most := o.MaxRawBytes + 2*growBytes + 64<<10; took > most {
			t.Errorf("%s: %d bytes allocated, want %d at most", name, took, most)
		}
	}
}

func TestPlainTextIsRefusedOneByteOverItsBoundHoweverItIsWritten(t *testing.T) {
	for _, fill := range []string{"a", `\n`, `\u0041`} {
		for over := range 2 {
			o := Options{MaxAnswerBytes: 100_000}.withDefaults()
			body := `{"choices":[{"message":{"content":"` + strings.Repeat(fill, o.MaxAnswerBytes+over-1) + `b"}}]}`
			r := newReading([]byte(body), o, nil)
			fail := r.readBody(http.Header{})
			if (fail != nil) != (over == 1) || fail == nil && r.text.Len() != o.MaxAnswerBytes || fail != nil && r.text.Len() > 0 {
				t.Errorf("%s, %d over: %d bytes, failure %+v", fill, over, r.text.Len(), fail)
			}
		}
	}
}

func TestReadAllGrowsInSteps(t *testing.T) {
	for _, size := range []int{0, 1, firstBytes - 1, firstBytes, firstBytes + 1, growBytes, growBytes + 1, 1 << 20} {
		const limit = 1 << 20
		body, err := readAll(&boundedReader{r: flood("", "a", "", size), left: limit}, 0, limit)
		if err != nil || len(body) != size || cap(body) > limit+1 || size <= growBytes/2 && cap(body) > max(2*size+2, firstBytes) {
			t.Errorf("%d bytes: %d in a buffer of %d, %v", size, len(body), cap(body), err)
		}
	}
}
