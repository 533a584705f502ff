package flood_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The flood is a separate process with a low priority, because in reality the client is another machine.
const (
	floodTo  = "FLOOD_ADDRESS"
	floodFor = "FLOOD_FOR"
)

func TestMain(m *testing.M) {
	if os.Getenv(floodTo) == "" {
		os.Exit(m.Run())
	}
	if err := floodFromHere(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// startFlood floods a service for a while; wait returns the outcome.
func startFlood(t *testing.T, to netip.AddrPort, lasts time.Duration) (wait func() spoils) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), floodTo+"="+to.String(), floodFor+"="+lasts.String())
	out := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() (got spoils) {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return got
	}
}

// floodFromHere runs in the process that startFlood starts.
func floodFromHere() error {
	const nice = 19
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, nice); err != nil {
		return err
	}
	to, err := netip.ParseAddrPort(os.Getenv(floodTo))
	if err != nil {
		return err
	}
	lasts, err := time.ParseDuration(os.Getenv(floodFor))
	if err != nil {
		return err
	}
	began := time.Now()
	f := &flood{to: to, until: began.Add(lasts), spoils: spoils{Statuses: map[string]int{}}}
	var group sync.WaitGroup
	for i := range connections {
		group.Go(func() { f.attack(i) })
	}
	group.Wait()
	f.Took = time.Since(began)
	return json.NewEncoder(os.Stdout).Encode(&f.spoils)
}

var (
	lightReactions = strings.Repeat("The light reactions make ATP. ", noteBytes/30)
	longNote       = `{"content":"` + lightReactions + `"}`
)

// flood is one client that wants as much as it can get.
type flood struct {
	to    netip.AddrPort
	until time.Time
	n     atomic.Int64

	mu sync.Mutex
	spoils
}

// spoils are what a flood got.
type spoils struct {
	Codes    []string       // of the accounts it created
	Statuses map[string]int // of its answers, by kind of request
	Took     time.Duration
}

// attack makes one request after another over one connection.
func (f *flood) attack(i int) {
	d := &dialer{to: f.to, from: flooding}
	defer d.close()
	for time.Now().Before(f.until) {
		i++
		n, code := f.n.Add(1), f.code(i)
		switch i % 6 {
		case 0:
			f.count("account", d, "POST", "/api/account", "", "")
		case 1:
			f.count("nobody", d, "GET", "/api/notes?user_id=ann", "", "")
		case 2:
			f.count("note", d, "POST", "/api/notes", code, longNote)
		case 3:
			f.count("chat", d, "POST", "/api/ai/agent-test", code, fmt.Sprintf(`{"type":"chat","message":"What is light, flood %d?"}`, n))
		case 4:
			f.count("stream", d, "POST", "/api/ai/process-stream", code, fmt.Sprintf(`{"type":"chat","message":"What is light, flood %d?"}`, n))
		case 5:
			f.count("quiz", d, "POST", "/api/ai/process", code, fmt.Sprintf(`{"type":"quiz_generation","message":"%d","options":{"content":"%.2000s"}}`, n, lightReactions))
		}
	}
}

// code returns the code of one of the accounts created so far.
func (f *flood) code(i int) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.Codes) == 0 {
		return "none"
	}
	return f.Codes[i%len(f.Codes)]
}

func (f *flood) count(what string, d *dialer, method, path, code, body string) {
	status, answer := d.ask(method, path, code, body)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Statuses[fmt.Sprintf("%s %d", what, status)]++
	if made := codeIn(answer); made != "" {
		f.Codes = append(f.Codes, made)
	}
}
