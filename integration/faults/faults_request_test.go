package faults

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/testcontainers/testcontainers-go"

	"studysharper/app/httpapi/rawtest"
	"studysharper/app/testkit"
	"studysharper/integration/harness"
)

const (
	bombClients = 8          // concurrent
	bombBound   = 32_000_000 // bytes by which the container's memory may grow; each bomb would need 64 MB
	bombParts   = 10_000
	deepPipe    = 1000
	hourly      = 30
)

// inBoundedMemory makes clients do something concurrently, and checks how much the container's memory grows meanwhile.
func inBoundedMemory(h *harness.Instance, i *incident, do func(client int)) {
	i.Helper()
	before := h.Memory(i.T).Held
	watch := harness.Sample(i.T, h.Group)
	var all sync.WaitGroup
	for client := range bombClients {
		all.Go(func() { do(client) })
	}
	all.Wait()
	close(watch.Stop)
	<-watch.Done
	grew := watch.Peak - before
	i.note("memory grows by %s", harness.Megabytes(grew))
	if watch.Err != nil || grew > bombBound {
		i.Errorf("the memory grew by %d bytes, want at most %d; %v", grew, bombBound, watch.Err)
	}
	wantWell(h, i)
}

// giantBodies sends large bodies in full, whatever the server answers meanwhile.
func giantBodies(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{})
	const size = 16 << 20
	head := "POST " + harness.ChatURL + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	requests := []rawtest.Request{
		{Name: "as long as it says", Statuses: []int{413}, Raw: fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, size, strings.Repeat("a", size))},
		{Name: "in chunks", Statuses: []int{413}, Raw: fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%s", head, strings.Repeat("10000\r\n"+strings.Repeat("a", 1<<16)+"\r\n", size>>16))},
		{Name: "in one chunk", Statuses: []int{413}, Raw: fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s", head, size, strings.Repeat("a", size))},
		{Name: "shorter than it says", Statuses: []int{400}, Cut: true, Alone: true, Raw: head + "Content-Length: 1000\r\n\r\n{"},
	}
	inBoundedMemory(h, i, func(client int) {
		r := requests[client%len(requests)]
		if fault := r.Refused(i.Context(), h.Address.String()); fault != "" {
			i.Errorf("%s: %s", r.Name, fault)
		}
	})
	longer, err := say(h, head+"Content-Length: 2\r\n\r\n{}this is more than it says\r\n\r\n")
	if answers := strings.Count(longer, "HTTP/1.1 4"); answers != 2 {
		i.Errorf("longer than it says: %d answers, %v, want one to what it says and one to the rest: %s", answers, err, longer)
	}
}

func zipBombs(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{})
	bomb := zipped(make([]byte, 64<<20))
	inBoundedMemory(h, i, func(int) {
		got, err := h.Send(http.MethodPost, harness.ChatURL, bomb, "Content-Encoding", "gzip")
		if err != nil || got.Status != http.StatusUnsupportedMediaType {
			i.Errorf("status %d, %v", got.Status, err)
		}
	})
}

func multipartBombs(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{})
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	_ = parts.SetBoundary("b") // so that they stay below the limit of a body
	for n := range bombParts {
		_ = parts.WriteField(fmt.Sprint(n), "") // a buffer cannot fail
	}
	_ = parts.Close()
	inBoundedMemory(h, i, func(int) {
		got, err := h.Send(http.MethodPost, harness.ChatURL, form.Bytes(), "Content-Type", parts.FormDataContentType())
		if err != nil || got.Status != http.StatusUnsupportedMediaType {
			i.Errorf("%d bytes: status %d, %v", form.Len(), got.Status, err)
		}
	})
}

// crookedPaths requests paths that would lead to the operator's page or a file on a server that normalizes them.
func crookedPaths(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{})
	paths := []string{
		"//api/admin/metrics", "/api//admin/metrics", "/api/ai/../admin/metrics", "/./api/admin/metrics", "/api/%61dmin/metrics",
		"/%61pi/admin/metrics", "/api%2fadmin%2fmetrics", "/api/admin%2fmetrics", "/API/ADMIN/METRICS", "/api/admin/metrics/", "/api/admin/metrics%00",
		"/api/admin/metrics;x", "/api/admin/metrics%20", "/api/ai%2f..%2fadmin/metrics", "/api/ai/..;/admin/metrics", "/%252e%252e/api/admin/metrics",
		`/api\admin\metrics`, "/api/admin/metrics?admin_token=", "/api/admin/metrics?admin_token=x&admin_token=" + harness.AdminToken[:8],
		"/assets/x/../../../../etc/passwd", "/assets/x/..%2f..%2f..%2fetc%2fpasswd", "/..%2f..%2f..%2fdata%2fstudysharper.db", "/assets/%2e%2e/%2e%2e/etc/passwd",
		"/" + strings.Repeat("a", 9000), "/api/notes?" + strings.Repeat("a=b&", 10_000), "/api/notes?user_id=u&" + strings.Repeat("a&", 3000) + "limit=0",
	}
	for _, path := range paths {
		status, body, err := askRaw(h, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if err != nil || status < 400 || status > 499 {
			i.Errorf("%.80s: status %d, %v: %.200s", path, status, err, body)
		}
		if strings.Contains(body, "rss_bytes") || strings.Contains(body, "root:") || strings.Contains(body, "SQLite") {
			i.Errorf("%.80s leads to %.200s", path, body)
		}
	}
	i.note("%d paths", len(paths))
	wantWell(h, i)
}

// askRaw sends a raw request on a new connection, asks for that to be closed, and reads the answer.
func askRaw(h *harness.Instance, raw string) (status int, body string, err error) {
	said, failed := say(h, raw)
	response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(said)), nil)
	if err != nil {
		return 0, said, errors.Join(err, failed)
	}
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// say sends bytes on a new connection, and reads until the service closes it.
func say(h *harness.Instance, raw string) (string, error) {
	conn, err := net.Dial("tcp", h.Address.String())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(harness.ReadyWithin)); err != nil {
		return "", err
	}
	_, _ = io.WriteString(conn, raw) // the server need not read all of it
	said, err := io.ReadAll(conn)
	return string(said), err
}

// pipelined sends a thousand requests at a time without reading, until workers have been recycled in the middle of
// them.
func pipelined(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{"MAX_REQUESTS": "250", "MAX_REQUESTS_JITTER": "0", "MIN_WORKER_AGE": "0"})
	conn := hoard(h, i, 1)[0]
	if err := conn.SetDeadline(time.Now().Add(2 * harness.ReadyWithin)); err != nil {
		i.Fatal(err)
	}
	in, sent, recycled := bufio.NewReader(conn), 0, 0
	for ; recycled < 2; recycled = h.Metrics(i.T).Recycles["max_requests"] {
		if fault := pipe(conn, in, sent); fault != nil {
			i.Fatal(fault)
		}
		sent += deepPipe
	}
	i.note("%d requests, %d recycles", sent, recycled)
	wantServed(h, i)
}

// pipe sends deepPipe requests at once, numbered from first, and reads their answers.
func pipe(conn net.Conn, in *bufio.Reader, first int) error {
	var all strings.Builder
	for n := range deepPipe {
		fmt.Fprintf(&all, "GET /api/ai/stream-status HTTP/1.1\r\nHost: x\r\nX-Request-ID: %d\r\n\r\n", first+n)
	}
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(conn, all.String())
		sent <- err
	}()
	for n := range deepPipe {
		response, err := http.ReadResponse(in, nil)
		if err != nil {
			return fmt.Errorf("answer %d: %w", first+n, err)
		}
		_, err = io.Copy(io.Discard, response.Body)
		if id := response.Header.Get("X-Request-ID"); err != nil || response.StatusCode != http.StatusOK || id != fmt.Sprint(first+n) {
			return fmt.Errorf("answer %d: %s, to request %s: %w", first+n, response.Status, id, err)
		}
	}
	return <-sent
}

func methods(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{})
	for _, row := range []struct {
		raw    string
		status int
	}{
		{"HEAD /nowhere HTTP/1.1\r\n", 404},
		{"DELETE /livez HTTP/1.1\r\n", 405},
		{"TRACE /livez HTTP/1.1\r\n", 405},
		{"GET " + harness.ChatURL + " HTTP/1.1\r\n", 405},
		{"BREW /livez HTTP/1.1\r\n", 501},
		{"GET /livez HTTP/1.1\r\nExpect: junk\r\n", 417},
		{"OPTIONS /api/notes HTTP/1.1\r\nOrigin: http://localhost:3000\r\nAccess-Control-Request-Method: POST\r\n", 204},
	} {
		if status, body, err := askRaw(h, row.raw+"Host: x\r\nConnection: close\r\n\r\n"); err != nil && !strings.HasPrefix(row.raw, "HEAD") || status != row.status {
			i.Errorf("%q: status %d, want %d, %v: %.200s", row.raw, status, row.status, err, body)
		}
	}
	wantWell(h, i)
}

// limitedEverywhere makes each request on a new connection, so that both workers get some, before and after a reload.
func limitedEverywhere(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{"RATE_LIMIT_PER_MINUTE": "0", "RATE_LIMIT_PER_HOUR": fmt.Sprint(hourly)})
	began := time.Now()
	served := askAway(h, i, 2*hourly)
	h.Call(i.T, http.MethodPost, "/api/admin/reload", nil, http.StatusAccepted, nil)
	testkit.Eventually(i.T, "both workers are new", func() bool {
		m := h.Metrics(i.T)
		return m.Recycles["reload"] >= 2 && m.Settled()
	})
	served += askAway(h, i, hourly)
	back := int(time.Since(began) / (time.Hour / hourly)) // quota regained meanwhile
	i.note("%d of %d served", served, 3*hourly)
	if served < hourly || served > hourly+back {
		i.Errorf("%d requests were served, want %d and at most %d more", served, hourly, back)
	}
	h.Workers = h.WorkersNow(i.T)
	wantWell(h, i)
}

// askAway starts runs, and returns how many were accepted.
func askAway(h *harness.Instance, i *incident, n int) (served int) {
	body := fmt.Sprintf(`{"type":"chat","user_id":%q,"message":"What is light?"}`, harness.UserID)
	request := fmt.Sprintf("POST /api/ai/process-stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	for range n {
		switch status, text, err := askRaw(h, request); {
		case status == http.StatusOK:
			served++
		case err != nil || status != http.StatusTooManyRequests:
			i.Errorf("status %d, %v: %s", status, err, text)
		}
	}
	return served
}

// portTaken starts a second container on the port of the first.
func portTaken(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{})
	second := harness.Launch(i.T, harness.Image,
		testcontainers.WithEnv(map[string]string{"HOST": "127.0.0.1", "PORT": fmt.Sprint(h.Port)}),
		testcontainers.WithHostConfigModifier(func(host *container.HostConfig) {
			harness.Limit(host, "")
			host.PortBindings, host.NetworkMode = nil, "host"
		}))
	wantExit(i.T, second, 3)
	if log := harness.LogsOf(second); !strings.Contains(log, fmt.Sprintf("cannot listen at 127.0.0.1:%d (PORT or --bind): another process", h.Port)) {
		i.Errorf("its log does not name the port and its setting: %s", log)
	}
	wantWell(h, i)
}

// wantExit waits until a container has exited, and checks its status.
func wantExit(t *testing.T, ctr *testcontainers.DockerContainer, status int) {
	t.Helper()
	testkit.Eventually(t, "the container ends", func() bool {
		state, err := ctr.State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !state.Running && state.ExitCode != status {
			t.Fatalf("exit status %d, want %d: %s", state.ExitCode, status, harness.LogsOf(ctr))
		}
		return !state.Running
	})
}
