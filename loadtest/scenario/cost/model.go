package cost

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"strconv"
)

// ModelCommand is the argument with which this program serves the model: in a separate process, so that its processor
// time can be distinguished from the clients'.
const ModelCommand = "bench-model"

const modelAnswer = "Light is electromagnetic radiation that the eye can see. It travels at 299,792 kilometres a second."

// The responses, built once: the model's cost is not what is measured.
var (
	plainResponse = modelResponse("application/json", fmt.Sprintf(`{"id":"1","object":"chat.completion","created":1,"model":"thin","choices":[{"index":0,`+
		`"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120}}`, modelAnswer))
	streamResponse = modelResponse("text/event-stream", fmt.Sprintf("data: "+`{"id":"1","object":"chat.completion.chunk","created":1,"model":"thin","choices":[{"index":0,"delta":{"content":%q},"finish_reason":null}]}`+"\n\n"+
		"data: "+`{"id":"1","object":"chat.completion.chunk","created":1,"model":"thin","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120}}`+"\n\ndata: [DONE]\n\n", modelAnswer))
	listResponse = modelResponse("application/json", `{"object":"list","data":[{"id":"thin","object":"model"}]}`)
)

func modelResponse(kind, body string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, len(body), body)
}

// startModel runs the model in a separate process.
func startModel(ctx context.Context) (*process, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return launch(ctx, map[string]string{}, binary, ModelCommand)
}

// ServeModel serves a model that answers at once, at HOST and PORT, until the process is ended. It reads only as much
// of a request as it needs to find the next one.
func ServeModel(ctx context.Context, _ []string, _, _ io.Writer) error {
	l, err := net.Listen("tcp", net.JoinHostPort(os.Getenv("HOST"), os.Getenv("PORT")))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for {
		conn, err := l.Accept()
		if err != nil {
			return nil // closed, at the end of ctx
		}
		go serveModel(conn)
	}
}

func serveModel(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 64<<10)
	for {
		method, body, err := readCall(r)
		if err != nil {
			return
		}
		response := plainResponse
		switch {
		case bytes.Equal(method, []byte("GET")):
			response = listResponse
		case bytes.Contains(body, []byte(`"stream":true`)):
			response = streamResponse
		}
		if _, err := conn.Write(response); err != nil {
			return
		}
	}
}

var errCall = errors.New("the request cannot be read")

// readCall reads a request. The body is valid until the next read.
func readCall(r *bufio.Reader) (method, body []byte, err error) {
	length := 0
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return nil, nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case first:
			method, _, _ = bytes.Cut(bytes.Clone(line), []byte(" "))
		case len(line) == 0:
			if body, err = r.Peek(length); err != nil {
				return nil, nil, err
			}
			_, err = r.Discard(length)
			return method, body, err
		case textproto.CanonicalMIMEHeaderKey(string(name)) == "Content-Length":
			if length, err = strconv.Atoi(string(value)); err != nil || length > r.Size() {
				return nil, nil, errCall
			}
		}
	}
}
