package client

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

func plainHead(text io.Reader) (Head, error) {
	h, err := ReadHead(bufio.NewReaderSize(text, MaxLine))
	if err == nil {
		err = h.plain()
	}
	return h, err
}

func headOf(text string) (Head, error) {
	return plainHead(strings.NewReader(text))
}

func TestReadHeadTakesWhatAServerSends(t *testing.T) {
	for _, c := range []struct {
		text string
		want Head
	}{
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Head{Status: 200, Length: 5}},
		{"HTTP/1.1 503 \r\ncontent-length:0\r\nconnection: Keep-Alive, CLOSE\r\n\r\n", Head{Status: 503, Length: 0, Close: true}},
		{"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\nX-Request-Id:  a-1 \r\n\r\n",
			Head{Status: 200, Length: UntilClose, Close: true, RequestID: "a-1", ContentType: "text/event-stream"}},
		{"HTTP/1.1 204 No Content\r\n\r\n", Head{Status: 204}},
		{"HTTP/1.1 200 OK\r\nX-Closed: close\r\nContent-Length: 16777216\r\n\r\n", Head{Status: 200, Length: MaxBody}},
	} {
		got, err := headOf(c.text)
		if err != nil || got != c.want {
			t.Errorf("%q: got %+v, %v; want %+v", c.text, got, err, c.want)
		}
	}
}

func TestReadHeadRefusesWhatIsNoResponse(t *testing.T) {
	long := strings.Repeat("x", MaxLine)
	for name, text := range map[string]string{
		"other protocol":          "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"no reason's space":       "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
		"letters in the status":   "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
		"interim status":          "HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n",
		"status above 599":        "HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n",
		"bare LF":                 "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
		"CR inside":               "HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n",
		"no colon":                "HTTP/1.1 200 OK\r\nContent-Length 0\r\n\r\n",
		"space in a name":         "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
		"folded line":             "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n more\r\n\r\n",
		"control character":       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: b\x00\r\n\r\n",
		"negative length":         "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"signed length":           "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
		"empty length":            "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		"length beyond int":       "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"length beyond the bound": "HTTP/1.1 200 OK\r\nContent-Length: 16777217\r\n\r\n",
		"two lengths":             "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
		"transfer coding":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"another transfer coding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
		"length and chunks":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
		"no end of the body":      "HTTP/1.1 200 OK\r\n\r\n",
		"line beyond the bound":   "HTTP/1.1 200 OK\r\nA: " + long + "\r\nContent-Length: 0\r\n\r\n",
		"one header too many":     "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", MaxFields) + "Content-Length: 0\r\n\r\n",
	} {
		if got, err := headOf(text); !errors.Is(err, errMalformed) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestReadHeadTellsAnEndFromACut(t *testing.T) {
	whole := "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	for n := range len(whole) {
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		if _, err := headOf(whole[:n]); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", whole[:n], err, want)
		}
	}
}

// Everything accepted here must also be accepted by net/http, with the same meaning, however the bytes are split.
func FuzzReadHead(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"))
	f.Add([]byte("HTTP/1.1 503 Service Unavailable\r\nX-Request-ID: a\r\nConnection: a, close\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 204 \r\n\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := plainHead(bytes.NewReader(text))
		split, errSplit := plainHead(iotest.OneByteReader(bytes.NewReader(text)))
		if got != split || (err == nil) != (errSplit == nil) {
			t.Fatalf("whole: %+v, %v; byte by byte: %+v, %v", got, err, split, errSplit)
		}
		if err != nil {
			return
		}
		want, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(text)), nil)
		if err != nil {
			t.Fatalf("taken as %+v, but net/http says %v", got, err)
		}
		defer want.Body.Close()
		if got.Status != want.StatusCode || got.Close != want.Close || got.RequestID != want.Header.Get("X-Request-ID") && len(want.Header["X-Request-Id"]) == 1 {
			t.Errorf("got %+v, net/http %+v", got, want)
		}
		if got.Status != 204 && got.Status != 304 && int64(got.Length) != want.ContentLength {
			t.Errorf("length %d, net/http %d", got.Length, want.ContentLength)
		}
	})
}
