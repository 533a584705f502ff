package faults

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
)

const (
	unfinishedBodies = 1000
	unfinishedSize   = 1 << 20
	deafReaders      = 80
	deafLists        = 10               // lists that each client requests, one after another
	deafNoteBytes    = 900_000          // size of one note, so that a list is nearly as large as possible
	deafAway         = 75 * time.Second // two periods of 30 s, since a client's kernel still accepts data in the first one, plus some room
	clientsBound     = 256_000_000      // the container's memory meanwhile, in bytes
)

// unfinishedTo are the targets of the bodies: endpoints that accept a body, endpoints that do not, and an unknown path.
var unfinishedTo = []string{"POST /api/notes", "POST /nope", "POST " + harness.ChatURL, "POST /api/ai/process-stream", "PUT /api/ai/preferences", "GET /livez"}

// bodiesUnfinished makes clients send all but the last byte of their bodies, and wait. One service has users and one
// has none.
func bodiesUnfinished(i *incident) {
	for name, settings := range map[string]map[string]string{
		"without users": {}, "with users": {"JWT_SECRET": "0123456789abcdef0123456789abcdef"},
	} {
		h := harness.StartInstance(i.T, harness.Image, settings)
		body := []byte(strings.Repeat("x", unfinishedSize-1))
		conns := hoard(h, i, unfinishedBodies)
		var told [6]atomic.Int64 // answers by the first digit of their status
		besideClients(h, i, name, func() {
			var all sync.WaitGroup
			for n, conn := range conns {
				all.Go(func() {
					told[leaveUnfinished(conn, unfinishedTo[n%len(unfinishedTo)], body)].Add(1)
				})
			}
			all.Wait()
		})
		i.note("%s: %d refused, %d at capacity, %d without an answer", name, told[4].Load(), told[5].Load(), told[0].Load())
		if refused := told[4].Load() + told[5].Load(); refused < unfinishedBodies*9/10 {
			i.Errorf("%s: %d of %d were answered", name, refused, unfinishedBodies)
		}
		closeAll(conns)
	}
}

// leaveUnfinished sends a request except for its last byte, and returns the first digit of the answer's status; 0 = no
// answer.
func leaveUnfinished(conn net.Conn, to string, body []byte) int {
	_ = conn.SetDeadline(time.Now().Add(2 * dawdledAway))
	_, err := fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", to, len(body)+1)
	if err == nil {
		_, _ = conn.Write(body) // the answer may arrive before all of it is sent
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	return response.StatusCode / 100 % 6
}

// listsUnread makes clients request many large lists and read none of them.
func listsUnread(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{})
	for range 3 {
		h.Call(i.T, http.MethodPost, "/api/notes", map[string]any{"user_id": harness.UserID, "content": strings.Repeat("x", deafNoteBytes)}, http.StatusCreated, nil)
	}
	request := "GET /api/notes?limit=200&user_id=" + harness.UserID + " HTTP/1.1\r\nHost: x\r\n\r\n"
	conns := hoard(h, i, deafReaders)
	list := func() int {
		got, err := h.Send(http.MethodGet, "/api/notes?limit=200&user_id="+harness.UserID, nil)
		if err != nil {
			i.Errorf("a list: %v", err)
		}
		return got.Status
	}
	besideClients(h, i, "lists", func() {
		asked := time.Now()
		for _, conn := range conns {
			_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
			if _, err := conn.Write([]byte(strings.Repeat(request, deafLists))); err != nil {
				i.Error(err)
			}
		}
		testkit.Eventually(i.T, "no more answers fit", func() bool { return list() == http.StatusServiceUnavailable })
		fits := testkit.PollFor(faultRoom*deafAway, dawdleEvery/2, func() bool { return list() == http.StatusOK })
		i.recoveredAfter(time.Since(asked))
		if !fits {
			i.Error("answers never fit again")
		}
	})
	wantWell(h, i)
}

// besideClients makes clients do something while a bystander requests /health and the container's memory is watched.
func besideClients(h *harness.Instance, i *incident, name string, do func()) {
	i.Helper()
	watch := h.Sample()
	stop, done := make(chan struct{}), make(chan struct{})
	var took []time.Duration
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
			began := time.Now()
			if got, err := h.Send(http.MethodGet, "/health", nil); err != nil || got.Status != http.StatusOK {
				i.Errorf("%s: a bystander's /health: %v, status %d", name, err, got.Status)
				return
			}
			took = append(took, time.Since(began))
		}
	}()
	do()
	close(stop)
	<-done
	peak, last := watch.End(i.T)
	slices.Sort(took)
	if len(took) > 0 {
		i.note("%s: peak %s, /health of a bystander p99 %s", name, harness.Megabytes(peak), harness.Short(harness.Quantile(took, .99)))
	}
	if peak > clientsBound || last.OomKills > 0 {
		i.Errorf("%s: the container held %d bytes, want at most %d; %d OOM kills", name, peak, clientsBound, last.OomKills)
	}
	if now := h.WorkersNow(i.T); !slices.Equal(now, h.Workers) {
		i.Errorf("%s: the workers were %v and are %v", name, h.Workers, now)
	}
}
