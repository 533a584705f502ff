package faults

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
)

const (
	dawdlers    = 20 // of each kind
	dawdleEvery = time.Second
	// dawdledAway is when the last one must be disconnected: after 30 s, which the server counts from the connection's
	// start, plus some room. Bodies have 10 s.
	dawdledAway = 45 * time.Second
	// If it is disconnected sooner, another limit than the timeout has applied.
	headAtLeast = 25 * time.Second
	bodyAtLeast = 8 * time.Second
)

// dawdle is a way to keep a server waiting: what is sent first, and what is sent repeatedly.
type dawdle struct {
	at    string
	more  string
	wants int // status of the refusal; 0 = none is required
	least time.Duration
}

var dawdles = map[string]dawdle{
	"silent":  {least: headAtLeast}, // the server has no buffer from which to answer
	"headers": {at: "GET /livez HTTP/1.1\r\nHost: x\r\nX: ", more: "x", wants: http.StatusRequestTimeout, least: headAtLeast},
	"body":    {at: "POST " + harness.ChatURL + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n", more: " ", wants: http.StatusRequestTimeout, least: bodyAtLeast},
	"unread":  {at: strings.Repeat("GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n", 200), least: headAtLeast}, // about 15 MB, more than the kernel buffers
}

// dawdled is the outcome of all kinds. They all wait for the same half minute, so the first row to be tested tries all
// of them.
var dawdled struct {
	once   sync.Once
	took   map[string]time.Duration // until the last one was closed
	early  map[string]time.Duration // until the first one was closed
	faults map[string][]string
}

// dawdling returns the test of one kind.
func dawdling(way string) func(*incident) {
	return func(i *incident) {
		dawdled.once.Do(func() { dawdleAll(i) })
		took, ok := dawdled.took[way]
		if !ok {
			i.Fatalf("%s: they were not all closed", way)
		}
		i.recoveredAfter(took)
		i.note("%d clients", dawdlers)
		if early := dawdled.early[way]; early < dawdles[way].least {
			i.Errorf("one was closed after %v", early)
		}
		for _, fault := range dawdled.faults[way] {
			i.Error(fault)
		}
	}
}

// dawdleAll makes clients dawdle in all ways at once, while other clients are served.
func dawdleAll(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{})
	dawdled.took, dawdled.early, dawdled.faults = map[string]time.Duration{}, map[string]time.Duration{}, map[string][]string{}
	began := time.Now()
	clients := map[string][]net.Conn{}
	for way, d := range dawdles {
		clients[way] = hoard(h, i, dawdlers)
		for _, conn := range clients[way] {
			go d.run(conn)
		}
	}
	wantHeld(h, i, func(n int) bool { return n >= len(dawdles)*dawdlers })
	for len(dawdled.took) < len(dawdles) && time.Since(began) < dawdledAway+harness.ReadyWithin {
		wantWell(h, i)
		countClosed(h, i, clients, began)
		testkit.Pause(dawdleEvery / 2)
	}
	for way, all := range clients {
		dawdled.faults[way] = dawdles[way].judge(all)
	}
}

// run sends until the connection ends. Writes block while the server does not read.
func (d dawdle) run(conn net.Conn) {
	_, err := conn.Write([]byte(d.at))
	for ; err == nil && d.more != ""; testkit.Pause(dawdleEvery) {
		_, err = conn.Write([]byte(d.more))
	}
}

// countClosed records when the server had closed the first and the last client of each kind.
func countClosed(h *harness.Instance, i *incident, clients map[string][]net.Conn, began time.Time) {
	held, err := harness.ConnectionHolders(h.Port, h.Workers)
	if err != nil {
		i.Fatal(err)
	}
	for way, all := range clients {
		open := 0
		for _, conn := range all {
			if held[conn.LocalAddr().(*net.TCPAddr).Port] != 0 {
				open++
			}
		}
		if _, seen := dawdled.early[way]; !seen && open < len(all) {
			dawdled.early[way] = time.Since(began)
		}
		if _, seen := dawdled.took[way]; !seen && open == 0 {
			dawdled.took[way] = time.Since(began)
		}
	}
}

// judge checks the answers that the clients got.
func (d dawdle) judge(all []net.Conn) (faults []string) {
	if d.wants == 0 {
		return nil
	}
	for _, conn := range all {
		_ = conn.SetReadDeadline(time.Now().Add(harness.ReadyWithin))
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || response.StatusCode != d.wants {
			faults = append(faults, fmt.Sprintf("%v, %v, want status %d", response, err, d.wants))
		}
	}
	return faults
}
