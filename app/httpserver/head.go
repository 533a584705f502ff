package httpserver

import (
	"bytes"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	maxOrigin = 512             // bytes of an incomplete Origin line that are buffered
	longHead  = 256 << 10       // bytes of an oversized head that are read to find its Origin
	longTime  = 2 * time.Second // time limit for that
)

// headScan finds the end of a request's head in the client's data, so that fasthttp gets the head and nothing beyond
// it: the body is read later, by ReadBody, or not at all. It ends the head at every empty line, which includes every
// place where fasthttp ends it. Ending it too early only makes fasthttp read again.
type headScan struct {
	text   bool   // the current line contains bytes other than CR
	line   []byte // the beginning of a line that may be the Origin
	ended  bool   // the next byte begins another head
	origin string // fasthttp discards the headers of a head that it refuses
}

// end returns how many of p's bytes belong to the head.
func (h *headScan) end(p []byte) int {
	for i := 0; i < len(p); {
		line, _, whole := bytes.Cut(p[i:], []byte("\n"))
		h.add(line, whole)
		if !whole {
			break
		}
		i += len(line) + 1
		h.ended = !h.text
		h.text = false
		if h.ended {
			return i
		}
	}
	return len(p)
}

// add scans the next part of a line; whole: the line ends with it.
func (h *headScan) add(part []byte, whole bool) {
	if h.ended {
		h.ended, h.origin = false, ""
	}
	begins := !h.text
	h.text = h.text || len(bytes.TrimLeft(part, "\r")) > 0
	switch {
	case begins && whole:
		h.note(part)
	case begins && len(part) > 0 && part[0]|0x20 == 'o', len(h.line) > 0:
		h.line = append(h.line, part[:min(len(part), maxOrigin-len(h.line))]...)
		if whole {
			h.note(h.line)
			h.line = nil
		}
	}
}

// note stores the value of an Origin line.
func (h *headScan) note(line []byte) {
	if len(line) == 0 || line[0]|0x20 != 'o' {
		return
	}
	if name, value, ok := strings.Cut(string(line), ":"); ok && strings.EqualFold(name, fasthttp.HeaderOrigin) {
		h.origin = strings.TrimSpace(value)
	}
}

// findOrigin continues to read a head that exceeds fasthttp's buffer: browsers send Origin after a page's own headers.
func (c *conn) findOrigin() {
	if c.SetReadDeadline(time.Now().Add(longTime)) != nil {
		return
	}
	more := make([]byte, 4<<10)
	for read := 0; read < longHead && c.head.origin == "" && !c.head.ended; {
		n, err := c.receive(more)
		c.head.end(more[:n])
		if read += n; err != nil {
			return
		}
	}
}
