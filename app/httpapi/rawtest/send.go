package rawtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	// patience is how long a server may take to answer and to close, far below its own timeouts.
	patience = 10 * time.Second
	// quiet is how long a connection that should stay open is observed.
	quiet = 50 * time.Millisecond
)

// exchange is what came back for a request, and for the one after it.
type exchange struct {
	answers []answer
	ended   bool // the server has closed the connection
}

type answer struct {
	status   int
	id, body string
}

// send sends the request, followed by a harmless one in the same write, and reads what comes back.
func (r Request) send(ctx context.Context, address string) (exchange, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return exchange{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return exchange{}, err
	}
	raw := r.Raw
	if !r.Alone {
		raw += "GET /livez HTTP/1.1\r\nHost: studysharper\r\nX-Request-ID: " + second + "\r\n\r\n"
	}
	_, _ = io.WriteString(conn, raw) // a server may reset the connection after enough input; its answers are read all the same
	if r.Cut {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	return r.read(conn)
}

// read reads answers until one has the second request's id, or the connection ends.
func (r Request) read(conn net.Conn) (exchange, error) {
	var x exchange
	in := bufio.NewReader(conn)
	for len(x.answers) == 0 || x.answers[len(x.answers)-1].id != second {
		asked := http.MethodGet
		if len(x.answers) == 0 && strings.HasPrefix(r.Raw, http.MethodHead) {
			asked = http.MethodHead
		}
		got, err := readAnswer(in, asked)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return x, fmt.Errorf("the connection stays open, behind %+v", x.answers)
		}
		if x.ended = err != nil; x.ended { // however it ended
			break
		}
		if got.status != http.StatusContinue {
			x.answers = append(x.answers, got)
		}
	}
	if !x.ended {
		_ = conn.SetReadDeadline(time.Now().Add(quiet))
		_, err := in.ReadByte()
		x.ended = !errors.Is(err, os.ErrDeadlineExceeded)
	}
	return x, nil
}

func readAnswer(in *bufio.Reader, asked string) (answer, error) {
	response, err := http.ReadResponse(in, &http.Request{Method: asked})
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header.Get("X-Request-ID"), string(body)}, err
}
