package httpserver

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// streaming makes a service whose answers are written by write.
func streaming(t *testing.T, write func(io.Writer) error, change ...func(*Options)) (*service, chan struct{}) {
	t.Helper()
	done := make(chan struct{}, 10)
	answer := func(o *Options) {
		o.Handler = func(ctx *fasthttp.RequestCtx) {
			if string(ctx.Path()) == "/plain" {
				ctx.SetBodyString("plain")
				return
			}
			StreamAnswer(ctx, write, func() { done <- struct{}{} })
		}
	}
	return serve(t, append(change, answer)...), done
}

func (f *service) get(path string) (string, error) {
	f.t.Helper()
	res, err := http.Get("http://" + f.address + path)
	if err != nil {
		f.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}

func TestAStreamedAnswerIsSentAsItIsWritten(t *testing.T) {
	long := strings.Repeat("0123456789", 100_000)
	f, done := streaming(t, func(w io.Writer) error {
		for i := 0; i < len(long); i += 100_000 {
			if _, err := io.WriteString(w, long[i:i+100_000]); err != nil {
				return err
			}
		}
		return nil
	})
	for range 2 { // the connection is reused
		if got, err := f.get("/"); err != nil || got != long {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		<-done
		if got, err := f.get("/plain"); err != nil || got != "plain" {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestAStreamedAnswerThatFailsIsNotWhole(t *testing.T) {
	for name, fails := range map[string]func() error{
		"an error": func() error { return errors.New("the disk is full") },
		"a panic":  func() error { panic("x") },
	} {
		f, done := streaming(t, func(w io.Writer) error {
			if _, err := io.WriteString(w, "some"); err != nil {
				return err
			}
			return fails()
		})
		if got, err := f.get("/"); err == nil || got != "some" {
			t.Errorf("%s: %q, %v; want an answer that breaks off", name, got, err)
		}
		<-done
	}
}

func TestAStreamedAnswerEndsWithItsClient(t *testing.T) {
	failed := make(chan error, 1)
	f, done := streaming(t, func(w io.Writer) error {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				failed <- err
				return err
			}
		}
	})
	conn := f.dial("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := io.ReadFull(conn, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	<-done
	if err := <-failed; err == nil {
		t.Error("no error")
	}
}

func TestAClientThatTakesNothingEndsAStreamedAnswer(t *testing.T) {
	slow := func(o *Options) { o.Answers = Pace{Bytes: 1000, Window: 100 * time.Millisecond, Longest: time.Minute} }
	f, done := streaming(t, func(w io.Writer) error {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return err
			}
		}
	}, slow)
	conn := f.dial("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	defer conn.Close()
	<-done
}

// A streamed answer may take longer than a window of the pace if its client keeps reading.
func TestAStreamedAnswerMayTakeLongerThanAWindow(t *testing.T) {
	const window = 200 * time.Millisecond
	slow := func(o *Options) { o.Answers = Pace{Bytes: 1000, Window: window, Longest: window} }
	f, done := streaming(t, func(w io.Writer) error {
		for range 8 {
			if _, err := io.WriteString(w, "x"); err != nil {
				return err
			}
			<-time.After(window / 4)
		}
		return nil
	}, slow)
	if got, err := f.get("/"); err != nil || got != "xxxxxxxx" {
		t.Errorf("%q, %v", got, err)
	}
	<-done
}
