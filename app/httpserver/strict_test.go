package httpserver

import (
	"bufio"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// methods are the methods that the tests' handlers support.
var methods = []string{fasthttp.MethodGet, fasthttp.MethodPost}

func TestTheCheckOfOrdinaryHeadsAllocatesNothing(t *testing.T) {
	var h fasthttp.RequestHeader
	raw := "POST /api/ai/process?x=y HTTP/1.1\r\nHost: studysharper.example:8000\r\nContent-Length: 2\r\nAuthorization: Bearer " +
		strings.Repeat("a", 400) + "\r\nContent-Type: application/json\r\n\r\n"
	if err := h.Read(bufio.NewReader(strings.NewReader(raw))); err != nil {
		t.Fatal(err)
	}
	if body, status := checkHead(&h, methods); status != 0 || body != (framing{length: 2}) {
		t.Fatalf("it is refused with %d, its body is %+v", status, body)
	}
	if n := testing.AllocsPerRun(100, func() { checkHead(&h, methods) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
