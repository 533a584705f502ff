package fakellm

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	hugeBytes  = 100_000_000 // size of Huge, unless the rule sets it
	pieceBytes = 16 << 10    // bytes that Huge and the endless faults send at a time
)

// faults has an answer for every fault but None.
var faults = map[Fault]func(*exchange) error{
	Status:           (*exchange).status,
	Redirect:         (*exchange).redirect,
	Garbage:          (*exchange).garbage,
	HTML:             (*exchange).html,
	NotHTTP:          (*exchange).notHTTP,
	Empty:            func(e *exchange) error { return e.silent(e.reason()) },
	Filtered:         func(e *exchange) error { return e.silent("content_filter") },
	ErrorInBody:      (*exchange).errorInBody,
	Hang:             (*exchange).hang,
	HangAfterHeaders: (*exchange).hangAfterHeaders,
	HangMidway:       func(e *exchange) error { return e.midway((*exchange).hang) },
	HangAtEnd:        (*exchange).hangAtEnd,
	Cut:              func(e *exchange) error { return e.midway(func(*exchange) error { return errAbort }) },
	Reset:            func(e *exchange) error { return e.midway((*exchange).reset) },
	TruncatedChunk:   func(e *exchange) error { return e.midway((*exchange).truncate) },
	EarlyEnd:         (*exchange).earlyEnd,
	ErrorMidway:      (*exchange).errorMidway,
	BadLines:         (*exchange).badLines,
	NoDone:           (*exchange).answer,
	PlainForStream:   func(e *exchange) error { return e.plain(e.text, "stop") },
	Huge:             (*exchange).huge,
	Endless:          func(e *exchange) error { return e.pieces(-1) },
	EndlessLine:      (*exchange).endlessLine,
}

// code returns the status of an error.
func (e *exchange) code() int {
	if e.rule.Status == 0 {
		return http.StatusInternalServerError
	}
	return e.rule.Status
}

func (e *exchange) status() error {
	if e.rule.RetryAfter != "" {
		e.w.Header().Set("Retry-After", e.rule.RetryAfter)
	}
	writeJSON(e.w, e.code(), apiError(e.code(), e.rule.NumericCode, e.echo))
	return nil
}

func (e *exchange) redirect() error {
	e.w.Header().Set("Location", e.rule.Location)
	e.w.WriteHeader(http.StatusTemporaryRedirect)
	return nil
}

func (e *exchange) garbage() error {
	e.w.Header().Set("Content-Type", "application/json")
	return e.write("\x00\xff{{{ " + e.echo)
}

func (e *exchange) html() error {
	e.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	return e.write("<!doctype html><title>Bad gateway</title><p>" + e.echo)
}

// silent answers without text.
func (e *exchange) silent(finish string) error {
	e.text = ""
	if !e.req.Stream {
		return e.plain("", finish)
	}
	if err := e.openStream(); err != nil {
		return err
	}
	return e.finish(finish)
}

// errorInBody answers 200 with an error in place of the answer.
func (e *exchange) errorInBody() error {
	body := apiError(e.code(), e.rule.NumericCode, e.echo)
	if !e.req.Stream {
		writeJSON(e.w, http.StatusOK, body)
		return nil
	}
	if err := e.openStream(); err != nil {
		return err
	}
	return e.event(body)
}

func (e *exchange) hangAfterHeaders() error {
	if e.req.Stream {
		e.w.Header().Set("Content-Type", "text/event-stream")
	}
	if err := e.write(""); err != nil {
		return err
	}
	return e.hang()
}

// midway sends half of the answer and then calls then.
func (e *exchange) midway(then func(*exchange) error) error {
	if e.req.Stream {
		return e.stream(func() error { return then(e) })
	}
	body, err := e.plainBody(e.text, "stop")
	if err != nil {
		return err
	}
	e.w.Header().Set("Content-Type", "application/json")
	if err := e.write(string(body[:len(body)/2])); err != nil {
		return err
	}
	return then(e)
}

// takeOver hijacks the connection, sends raw bytes and closes it, with a reset if linger is 0.
func (e *exchange) takeOver(raw string, linger int) error {
	conn, _, err := http.NewResponseController(e.w).Hijack()
	if err != nil {
		return err
	}
	defer conn.Close()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(linger)
	}
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = conn.Write([]byte(raw)) // a caller that disconnected does not matter
	return errTakenOver
}

func (e *exchange) notHTTP() error  { return e.takeOver(e.echo+"\r\n\r\n", -1) }
func (e *exchange) reset() error    { return e.takeOver("", 0) }
func (e *exchange) truncate() error { return e.takeOver("fff\r\ndata: {", -1) }

// errEarly ends an answer in the middle although there was no error.
var errEarly = errors.New("early end")

// endEarly sends half of the answer, calls then, and ends the body cleanly there.
func (e *exchange) endEarly(then func(*exchange) error) error {
	err := e.midway(func(e *exchange) error {
		if err := then(e); err != nil {
			return err
		}
		return errEarly
	})
	if errors.Is(err, errEarly) {
		return nil
	}
	return err
}

func (e *exchange) earlyEnd() error { return e.endEarly(func(*exchange) error { return nil }) }

func (e *exchange) errorMidway() error {
	return e.endEarly(func(e *exchange) error {
		return e.event(apiError(e.code(), e.rule.NumericCode, e.echo))
	})
}

// hangAtEnd returns the whole answer; a stream hangs in finish, a plain answer here.
func (e *exchange) hangAtEnd() error {
	if e.req.Stream {
		return e.answer()
	}
	if err := e.plain(e.text, "stop"); err != nil {
		return err
	}
	return e.hang()
}

// badLines sends events that are not JSON between valid ones.
func (e *exchange) badLines() error {
	return e.midway(func(e *exchange) error {
		for range e.rule.Lines {
			if err := e.write("data: {\"choices\":[ " + e.echo + "\n\n"); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *exchange) huge() error {
	if e.rule.Bytes == 0 {
		return e.pieces(hugeBytes)
	}
	return e.pieces(e.rule.Bytes)
}

// pieces answers with total bytes of text, or without end if total is negative.
func (e *exchange) pieces(total int64) error {
	open, shut := e.openStream, func() error { return e.finish("stop") }
	send := func(text string) error { return e.token(1, text) }
	if !e.req.Stream {
		open, send, shut = e.openPlain, e.write, func() error {
			return e.write(`"},"logprobs":null,"finish_reason":"stop"}]}`)
		}
	}
	if err := open(); err != nil {
		return err
	}
	for sent := int64(0); total < 0 || sent < total; sent += pieceBytes {
		n := int64(pieceBytes)
		if total >= 0 {
			n = min(n, total-sent)
		}
		if err := send(strings.Repeat("a", int(n))); err != nil {
			return err
		}
	}
	return shut()
}

// openPlain sends a plain answer up to the beginning of its text.
func (e *exchange) openPlain() error {
	e.w.Header().Set("Content-Type", "application/json")
	return e.write(fmt.Sprintf(`{"id":%q,"object":"chat.completion","created":%d,"model":%q,`+
		`"choices":[{"index":0,"message":{"role":"assistant","refusal":null,"content":"`, e.id, e.created, e.req.Model))
}

// endlessLine sends one line that never ends.
func (e *exchange) endlessLine() error {
	if !e.req.Stream {
		return e.pieces(-1)
	}
	if err := e.openStream(); err != nil {
		return err
	}
	if err := e.write(`data: {"choices":[{"delta":{"content":"`); err != nil {
		return err
	}
	for {
		if err := e.write(strings.Repeat("a", pieceBytes)); err != nil {
			return err
		}
	}
}
