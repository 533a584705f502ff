package recycle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"studysharper/loadtest/client"
	"studysharper/loadtest/fakellm"
	"studysharper/loadtest/pace"
)

const (
	tokensPerSecond = 10
	streamSilence   = 30 * time.Second // twice the server's keepalive
	maxReconnects   = 5                // of one stream before giving up
)

// streams keeps event streams open, quiet or busy, while workers recycle. A run keeps its worker alive until the run's
// end, and a slot has at most one predecessor, so with runs as long as the whole part each slot would recycle only
// once. Here each stream is therefore open for a while before its run, is handed over during that time, and is replaced
// by another stream when the run has ended.
func (b *bench) streams(ctx context.Context) error {
	tokens := max(int(b.o.streamRun.Seconds()*tokensPerSecond), 1)
	text := answerOf(tokens)
	upstream, address, err := serveUpstream(ctx, text)
	if err != nil {
		return err
	}
	defer func() { _ = upstream.Close() }() // it is no longer used
	settings := b.recycling()
	patience := fmt.Sprint(max(120, 60+int(b.o.streamRun.Seconds())))
	maps.Copy(settings, map[string]string{
		"LLM_PROVIDER": "openai", "LLM_API_KEY": "bench", "LLM_BASE_URL": "http://" + address + "/v1",
		"LLM_TIMEOUT": patience, "WORKER_TIMEOUT": patience, "MAX_CONCURRENT_RUNS": fmt.Sprint(2 * b.o.streams),
		"SSE_QUEUE_SIZE": fmt.Sprint(2*tokens + 50), "GRACEFUL_TIMEOUT": "5",
	})
	return b.with(ctx, settings, true, func(ctx context.Context, s *Server) error {
		c := &streamCount{tally: newTally()}
		busy := &load{to: s.Address(), clients: background, idle: backgroundIdle}
		others, err := beside(ctx, busy, func() error { b.watchStreams(ctx, s, c, text); return nil })
		p, errPage := s.Page(context.WithoutCancel(ctx))
		b.addStreams(c, others, p.Recycles.Planned())
		return errors.Join(err, errPage)
	})
}

// answerOf returns a text of this many words, each of which contains its position.
func answerOf(words int) string {
	var text strings.Builder
	for i := range words {
		if i > 0 {
			text.WriteByte(' ')
		}
		fmt.Fprintf(&text, "word%d", i+1)
	}
	return text.String() + "."
}

// serveUpstream serves a model that answers every question with text, at a fixed pace.
func serveUpstream(ctx context.Context, text string) (*http.Server, string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	fake := fakellm.New(fakellm.Options{Answer: func(fakellm.Request) string { return text },
		Rules: []fakellm.Rule{{TokensPerSecond: tokensPerSecond}}})
	server := &http.Server{Handler: fake, ReadHeaderTimeout: streamSilence}
	go func() { _ = server.Serve(listener) }() // ends with Close
	return server, listener.Addr().String(), nil
}

// watchStreams keeps the streams open until there have been enough recycles or the time is
// up, and lets the open ones end.
func (b *bench) watchStreams(ctx context.Context, s *Server, c *streamCount, text string) {
	enough, cancel := context.WithTimeout(ctx, b.o.streamLimit)
	defer cancel()
	var all sync.WaitGroup
	for i := range b.o.streams {
		w := &watcher{number: i, service: s, quiet: b.o.streamQuiet, text: text, count: c}
		all.Go(func() {
			for first := true; first || enough.Err() == nil; first = false {
				w.once(ctx, enough)
			}
		})
	}
	told := time.Now()
	for enough.Err() == nil && pace.Sleep(enough, 100*time.Millisecond) {
		if s.Recycled() >= int64(b.o.streamRecycles) && time.Since(told) > b.o.streamRun {
			cancel()
		}
		if time.Since(told) > sayEvery {
			told = time.Now()
			b.say("  %s, %d recycles", c.words(), s.Recycled())
		}
	}
	all.Wait()
}

// streamCount contains the totals of the streams. tally has the requests for them, and what went wrong.
type streamCount struct {
	mu                            sync.Mutex
	tally                         *tally
	streams, runs, reconnects     int64
	taken, lost, doubled, unwhole int64
	crossings                     int64           // recycles during which streams were open, summed over streams
	gaps                          []time.Duration // between two tokens
}

func (c *streamCount) request(took time.Duration, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tally.count(took, err)
	return err == nil
}

// reconnect records a stream that was cut off before its run's end.
func (c *streamCount) reconnect(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reconnects++
	c.tally.fail(err)
}

func (c *streamCount) gap(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gaps = append(c.gaps, d)
}

// settle adds a stream that has ended. want is the complete text of its run.
func (c *streamCount) settle(q *client.Sequence, want string, crossings int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streams++
	c.runs++
	c.taken += int64(q.Taken)     //nolint:gosec // counts
	c.lost += int64(q.Lost)       //nolint:gosec // counts
	c.doubled += int64(q.Doubled) //nolint:gosec // counts
	c.crossings += crossings
	var why error
	switch {
	case !q.Ended:
		why = errors.New("gave up on the stream before its run had ended")
	case q.Failure != "":
		why = errors.New(q.Failure)
	case q.Wrong > 0:
		why = fmt.Errorf("%d events with a wrong id", q.Wrong)
	case q.Text() != want:
		why = fmt.Errorf("a text of %d bytes instead of %d", len(q.Text()), len(want))
	}
	if why != nil {
		c.unwhole++
		c.tally.fail(why)
	}
}

func (c *streamCount) words() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%d events on %d streams, %d lost, %d doubled, %d reconnects, %d runs not whole",
		c.taken, c.streams, c.lost, c.doubled, c.reconnects, c.unwhole)
}

func (b *bench) addStreams(c *streamCount, others *tally, recycles int64) {
	lost := zeroOf("streams", "events lost", c.lost, c.taken)
	lost.Note = fmt.Sprintf("%d at a time, %d in all, each open through %.1f recycles in the mean; between two tokens (sent every %d ms) p50 %s, p99.9 %s, most %s",
		b.o.streams, c.streams, float64(c.crossings)/float64(max(c.streams, 1)), 1000/tokensPerSecond,
		round(quantile(c.gaps, .5)), round(quantile(c.gaps, .999)), round(quantile(c.gaps, 1)))
	b.add(lost,
		zeroOf("streams", "events doubled", c.doubled, c.taken),
		zeroOf("streams", "reconnects", c.reconnects, c.streams),
		zeroOf("streams", "runs not received completely", c.unwhole, c.runs),
		zeroOf("streams", "requests for streams and runs failed", c.tally.failures-c.reconnects-c.unwhole, c.tally.requests).withFailures(c.tally),
		atLeast("streams", "recycles", float64(recycles), float64(b.o.streamRecycles), c.taken),
		zeroOf("streams", "background requests failed", others.failures, others.requests).withFailures(others))
}

// watcher has one stream open at a time.
type watcher struct {
	number  int
	service *Server
	quiet   time.Duration
	text    string
	count   *streamCount

	asked   int
	current atomic.Pointer[client.Events]
	refused atomic.Bool // the run could not be started
}

// once opens a stream, starts its run after a while (at once when enough has ended), and reads the stream to its end.
func (w *watcher) once(ctx, enough context.Context) {
	session := uuid.NewString()
	recycled := w.service.Recycled()
	if !w.open(session, "") {
		pace.Sleep(ctx, time.Second)
		return
	}
	defer func() { w.current.Load().Close() }()
	stop := context.AfterFunc(ctx, func() { w.current.Load().Close() })
	defer stop()
	var begun sync.WaitGroup
	defer begun.Wait()
	w.refused.Store(false)
	begun.Go(func() {
		pace.Sleep(enough, rand.N(w.quiet+1))
		if ctx.Err() == nil && !w.post(session) {
			w.refused.Store(true)
			w.current.Load().Close()
		}
	})
	var q client.Sequence
	whole := w.follow(ctx, session, &q)
	if ctx.Err() != nil || w.refused.Load() {
		return // interrupted, or counted as a failed request
	}
	if whole {
		w.count.request(0, w.current.Load().End())
	}
	w.count.settle(&q, w.text, w.service.Recycled()-recycled)
}

// follow reads a session's events up to the run's last one, and reports whether that arrived.
func (w *watcher) follow(ctx context.Context, session string, q *client.Sequence) bool {
	var last time.Time // of a token
	for reconnects := 0; !q.Ended && ctx.Err() == nil; {
		e, err := w.current.Load().Next()
		switch {
		case ctx.Err() != nil || w.refused.Load():
			return false
		case err == nil:
			q.Take(e)
			if now := time.Now(); e.Type == "token" {
				if !last.IsZero() {
					w.count.gap(now.Sub(last))
				}
				last = now
			}
		default:
			w.count.reconnect(err)
			w.current.Load().Close()
			if reconnects++; reconnects > maxReconnects || !w.open(session, q.LastID()) {
				return false
			}
		}
	}
	return q.Ended
}

// open opens a stream of the session after an event; "" = from its beginning.
func (w *watcher) open(session, after string) bool {
	began := time.Now()
	conn, err := client.Dial(context.Background(), w.service.Address(), netip.Addr{}, exchangeTimeout)
	if err != nil {
		return w.count.request(time.Since(began), err)
	}
	request := fmt.Sprintf("GET /api/ai/stream/%s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n", session, w.service.Address())
	if after != "" {
		request += "Last-Event-ID: " + after + "\r\n"
	}
	stream, err := conn.Stream([]byte(request+"\r\n"), streamSilence)
	if err != nil {
		conn.Close()
		return w.count.request(time.Since(began), err)
	}
	w.current.Store(stream)
	return w.count.request(time.Since(began), nil)
}

// post starts the session's run, over a separate connection.
func (w *watcher) post(session string) bool {
	w.asked++
	body := fmt.Sprintf(`{"type":"chat","user_id":"bench","session_id":"%s","message":"Say hello to watcher %d, time %d"}`, session, w.number, w.asked)
	id := "run-" + strconv.Itoa(w.number) + "-" + strconv.Itoa(w.asked)
	request := fmt.Sprintf("POST /api/ai/process-stream HTTP/1.1\r\nHost: %s\r\nX-Request-ID: %s\r\nContent-Type: application/json\r\nCache-Control: no-cache\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
		w.service.Address(), id, len(body), body)
	began := time.Now()
	conn, err := client.Dial(context.Background(), w.service.Address(), netip.Addr{}, exchangeTimeout)
	if err == nil {
		_, err = conn.Do([]byte(request), id)
		conn.Close()
	}
	return w.count.request(time.Since(began), err)
}
