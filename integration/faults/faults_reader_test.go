package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/testcontainers/testcontainers-go"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/fakellm"
	"studysharper/loadtest/swarm"
)

const (
	quickReaders = 20
	stuckFew     = 20
	longAnswer   = 20_000 // words: more than a socket and its client can buffer
)

// talking starts a container whose model gives one answer, at a number of words per second; 0 = at once.
func talking(i *incident, answer string, wordsPerSecond float64, settings map[string]string) *harness.Instance {
	i.Helper()
	upstream := httptest.NewServer(fakellm.New(fakellm.Options{Answer: func(fakellm.Request) string { return answer },
		Rules: []fakellm.Rule{{TokensPerSecond: wordsPerSecond}}}))
	i.Cleanup(upstream.Close)
	env := map[string]string{
		"LLM_PROVIDER": "openai", "LLM_API_KEY": "faults", "LLM_BASE_URL": upstream.URL + "/v1",
		"RATE_LIMIT_PER_MINUTE": "0", "RATE_LIMIT_PER_HOUR": "0", "MAX_REQUESTS": "0",
	}
	maps.Copy(env, settings)
	return harness.StartInstance(i.T, harness.Image, env)
}

// words returns a text of n different words.
func words(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("word-%d", i)
	}
	return strings.Join(all, " ") + "."
}

// chatIn starts a chat in a session.
func chatIn(h *harness.Instance, i *incident, session string) {
	i.Helper()
	h.Call(i.T, http.MethodPost, "/api/ai/process-stream", map[string]any{"type": "chat", "user_id": harness.UserID, "session_id": session, "message": "Tell me."}, http.StatusOK, nil)
}

// wantWhole checks that each stream has the complete answer and reached its run's end.
func wantWhole(i *incident, streams []*swarm.Stream, answer string) {
	i.Helper()
	for n, st := range streams {
		var text string
		s, err := st.State(), json.Unmarshal([]byte(`"`+st.Text()+`"`), &text)
		if s.Terminal != "complete" && s.Status != http.StatusNoContent || s.Lost+s.Doubled+s.Gaps+s.Wrong > 0 || err != nil || text != answer {
			i.Fatalf("stream %d: %+v, %v, %d bytes of %d: %.80q", n, s, err, len(text), len(answer), text)
		}
	}
}

// neverRead checks that the other clients of the same session get everything, and that the stuck ones are disconnected.
func neverRead(i *incident) {
	answer := words(longAnswer)
	h := talking(i, answer, 0, map[string]string{"SSE_QUEUE_SIZE": "10000"}) // a good reader may also be slow on a busy machine
	session := harness.NewSessions(1)
	c := harness.NewReaders(i.T, h, swarm.Options{})
	var good, stuck []*swarm.Stream
	for range quickReaders {
		good = append(good, c.Add(session, swarm.StreamOptions{Keep: true})...)
	}
	for range stuckFew {
		stuck = append(stuck, c.Add(session, swarm.StreamOptions{Stuck: true, ReceiveBuffer: 1})...)
	}
	c.Open(append(good, stuck...)...)
	if most := h.AwaitStreams(i.T, quickReaders+stuckFew); most < quickReaders+stuckFew {
		i.Fatalf("%d streams are open", most)
	}
	chatIn(h, i, session[0])
	c.AwaitCounts(i.T, harness.EndWithin, func(n swarm.Counts) bool { return n.Ended+n.Broken >= quickReaders })
	ended := time.Now()
	wantWhole(i, good, answer)
	testkit.Eventually(i.T, "a client that does not read is disconnected", func() bool { return h.ActiveStreams(i.T) == 0 })
	i.recoveredAfter(time.Since(ended))
	i.note("%d that never read, %d that do", stuckFew, quickReaders)
	wantWell(h, i)
}

// vanished disconnects the network of a client's container, so that no packet announces its end. The network is a
// separate one, so no other container gets the address and answers what is sent there.
func vanished(i *incident) {
	network := "studysharper-" + harness.Session
	harness.Docker(i.T, "network", "create", network)
	i.Cleanup(func() {
		if out, err := exec.Command("docker", "network", "rm", network).CombinedOutput(); err != nil {
			i.Errorf("removing the network: %v: %s", err, out)
		}
	})
	s := harness.StartImage(i.T, harness.Image, "", map[string]string{"SSE_KEEPALIVE": "1"})
	harness.Docker(i.T, "network", "connect", network, s.GetContainerID())
	address := harness.Docker(i.T, "inspect", "--format", fmt.Sprintf("{{(index .NetworkSettings.Networks %q).IPAddress}}", network), s.GetContainerID())
	script := fmt.Sprintf(`exec 3<>/dev/tcp/%s/8000; printf 'GET /api/ai/stream/%s HTTP/1.1\r\nHost: x\r\n\r\n' >&3; cat <&3`, address, harness.NewSessions(1)[0])
	reader := harness.Launch(i.T, "redis:7-bookworm", testcontainers.WithCmd("bash", "-c", script), // an image that is available and has a shell
		testcontainers.WithHostConfigModifier(func(host *container.HostConfig) { host.NetworkMode = container.NetworkMode(network) }))
	h := &harness.Instance{Service: s}
	testkit.Eventually(i.T, "its stream is open", func() bool { return h.ActiveStreams(i.T) == 1 })
	harness.Docker(i.T, "network", "disconnect", network, reader.GetContainerID())
	unplugged := time.Now()
	testkit.Pause(3 * time.Second)
	if h.ActiveStreams(i.T) != 1 {
		i.Error("the stream has ended at once: its client has sent something")
	}
	testkit.PollFor(faultRoom*i.fault.well, 100*time.Millisecond, func() bool { return h.ActiveStreams(i.T) == 0 })
	i.recoveredAfter(time.Since(unplugged))
	harness.Docker(i.T, "kill", reader.GetContainerID()) // the shell ignores other signals
	if fault := serves(h); fault != "" {
		i.Errorf("a good request afterwards: %s", fault)
	}
}

// leavings are the ways in which a reader closes its stream.
var leavings = map[string]func(*net.TCPConn) error{
	"in order": (*net.TCPConn).CloseWrite,
	"by a reset": func(conn *net.TCPConn) error {
		return errors.Join(conn.SetLinger(0), conn.Close())
	},
}

// readerCloses takes the best of several attempts: the promised time is short, and the machine may be busy.
func readerCloses(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{"MAX_REQUESTS": "0"})
	for _, way := range slices.Sorted(maps.Keys(leavings)) {
		best, attempts := time.Hour, 0
		for ; attempts < closeAttempts && best > i.fault.well; attempts++ {
			best = min(best, untilFreed(h, i, leavings[way]))
		}
		i.recoveredAfter(best)
		i.note("%s: best of %d", way, attempts)
	}
	wantWell(h, i)
}

// untilFreed returns how long a stream is still counted after its reader has disconnected.
func untilFreed(h *harness.Instance, i *incident, leave func(*net.TCPConn) error) time.Duration {
	i.Helper()
	conn := hoard(h, i, 1)[0]
	if _, err := fmt.Fprintf(conn, "GET /api/ai/stream/%s HTTP/1.1\r\nHost: x\r\n\r\n", harness.NewSessions(1)[0]); err != nil {
		i.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(harness.ReadyWithin))
	if _, err := io.ReadFull(conn, make([]byte, 12)); err != nil {
		i.Fatalf("the stream is not answered: %v", err)
	}
	if err := leave(conn.(*net.TCPConn)); err != nil {
		i.Fatal(err)
	}
	left := time.Now()
	for h.ActiveStreams(i.T) > 0 {
		if time.Since(left) > harness.ReadyWithin {
			i.Fatal("the stream stays open")
		}
	}
	return time.Since(left)
}
