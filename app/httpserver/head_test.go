package httpserver

import (
	"bufio"
	"io"
	"slices"
	"testing"

	"github.com/valyala/fasthttp"
)

// cutReader passes a head to a headScan in steps, as a connection does.
type cutReader struct {
	scan headScan
	data []byte
	step int
}

func (r *cutReader) Read(p []byte) (int, error) {
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	end := r.scan.end(r.data[:min(len(p), r.step, len(r.data))])
	n := copy(p, r.data[:end])
	r.data = r.data[n:]
	return n, nil
}

func FuzzFasthttpGetsNothingBehindTheHead(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\nrest", "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\nGET", "GET / HTTP/1.1\nHost: x\n\nrest",
		"GET / HTTP/1.1\r\nHost: x\r\n\nrest", "GET / HTTP/1.1\nHost: x\r\n\r\nrest", "GET / HTTP/1.1\r\n\r\nrest", "GET / HTTP/1.1\r\nA: b\r\r\n\r\nrest",
		"GET / HTTP/1.1\r\nOrigin: x\r\n y\r\n\r\nrest", "\n\n\nGET / HTTP/1.1\r\nHost: x\r\n\r\n\r\n\r\n",
	} {
		for _, step := range []int{1, 2, 7, 4096} {
			f.Add([]byte(seed), step)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, step int) {
		var h fasthttp.RequestHeader
		in := bufio.NewReaderSize(&cutReader{data: data, step: max(1, step)}, headerBytes)
		if err := h.Read(in); err == nil && in.Buffered() > 0 {
			behind, _ := in.Peek(in.Buffered())
			t.Errorf("%q in steps of %d: fasthttp has %q of what stands behind the head", data, step, behind)
		}
	})
}

func TestTheOriginOfAHeadIsFoundHoweverItComes(t *testing.T) {
	for head, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: x\r\nOrigin: http://a.example\r\nX: y\r\n":               "http://a.example",
		"GET / HTTP/1.1\r\noRIGIN:http://a.example  \r\n":                                 "http://a.example",
		"OPTIONS / HTTP/1.1\r\nX: o\r\nX-Origin: b\r\n":                                   "",
		"GET / HTTP/1.1\r\nOrigin: http://a.example\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n": "", // of the second
	} {
		for step := 1; step <= len(head); step++ {
			var h headScan
			for part := range slices.Chunk([]byte(head), step) {
				for len(part) > 0 {
					part = part[h.end(part):]
				}
			}
			if h.origin != want {
				t.Errorf("%q in steps of %d: %q, want %q", head, step, h.origin, want)
			}
		}
	}
}
