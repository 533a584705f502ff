package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/moby/moby/api/types/container"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/fakellm"
	"studysharper/loadtest/swarm"
)

const (
	streamFiles  = 1024 // limit of open files of each process
	manyStreams  = 2200 // more than that allows
	enoughNotes  = 20
	greedyRuns   = 72
	greedySlots  = 300 // SSE_MAX_STREAMS
	smallMemory  = 128 << 20
	otherAddress = "203.0.113.7" // of a client behind a trusted proxy
	quietFor     = 10 * time.Second
)

// boundFaults are clients and settings that demand more than is available.
var boundFaults = []fault{
	{
		id: "S16", what: "2,200 streams are opened where a process is limited to 1,024 open files", sees: "503 with `Retry-After` above that; writes, probes and metrics still work, and a reload cuts no stream",
		lost: "nothing", test: fewDescriptors,
	},
	{
		id: "S17", what: "one client opens as many streams as it can", sees: "429 with `Retry-After` above a quarter of `SSE_MAX_STREAMS`; other clients see nothing", lost: "nothing",
		test: greedyReader,
	},
	{
		id: "E24", what: "one client starts 72 slow runs at once", sees: "429 with `Retry-After` above a quarter of `MAX_CONCURRENT_RUNS`; other clients see nothing", lost: "nothing",
		test: greedyAsker,
	},
	{
		id: "P39", what: "`MAX_WORKER_MEMORY_MB` is below an idle worker's memory, or above the container's", sees: "nothing: the start is refused, exit status 2", lost: "nothing",
		test: memoryLimitsRefused,
	},
	{
		id: "P40", what: "the container has 128 MB and is idle", sees: "nothing: no worker is replaced", lost: "nothing", test: smallContainer,
	},
	{
		id: "P41", what: "workers are above their memory limit as soon as they start", sees: "nothing: each replacement waits longer than the last", lost: "nothing",
		held: "app/supervisor.TestWorkersAboveTheirMemoryFromTheStartAreNoBootLoop",
	},
}

func fewDescriptors(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{"MAX_REQUESTS": "0"}, func(host *container.HostConfig) {
		host.Ulimits = []*container.Ulimit{{Name: "nofile", Soft: streamFiles, Hard: streamFiles}}
	})
	c := harness.NewReaders(i.T, h, swarm.Options{})
	streams := c.Add(harness.NewSessions(manyStreams), swarm.StreamOptions{})
	c.Open(streams...)
	n := c.AwaitCounts(i.T, harness.OpenWithin, func(n swarm.Counts) bool { return n.Opened+n.Refused+n.Failed == manyStreams })
	if _, wrong := harness.Refusals(streams); n.Failed > 0 || wrong > 0 || n.Refused == 0 || n.Opened < streamFiles {
		i.Errorf("%+v, of the refusals %d are not 503 with Retry-After; first: %s", n, wrong, c.FirstFailure())
	}
	i.note("%d of %d served", n.Opened, manyStreams)
	i.wantUnhurt(h)
	i.reloaded(h.Service)
	i.wantUnhurt(h)
	if after := c.Counts(); after.Open != n.Opened || after.Broken > 0 {
		i.Errorf("the reload has cut streams: %+v, before %+v", after, n)
	}
	if open := h.ActiveStreams(i.T); int64(open) != n.Opened {
		i.Errorf("%d streams are counted, want %d", open, n.Opened)
	}
}

// wantUnhurt checks that writes are stored, that the probe succeeds, and that the metrics can be read.
func (i *incident) wantUnhurt(h *harness.Instance) {
	i.Helper()
	for n := range enoughNotes {
		note := map[string]string{"user_id": harness.UserID, "title": fmt.Sprint("note ", n), "content": "Light is what the eye can see."}
		h.Call(i.T, http.MethodPost, "/api/notes", note, http.StatusCreated, nil)
	}
	h.Call(i.T, http.MethodGet, "/readyz", nil, http.StatusOK, nil)
	m := h.Metrics(i.T)
	if m.Memory.ContainerBytes == 0 || m.Memory.LimitBytes == 0 || slices.ContainsFunc(m.Workers, func(w harness.WorkerMetrics) bool { return w.RSS == 0 || w.Anonymous == 0 }) {
		i.Errorf("figures are missing: %+v", m)
	}
}

// asOther makes a request as another client.
func asOther(h *harness.Instance, method, path string, body []byte) (harness.Answer, error) {
	return h.Send(method, path, body, "X-Forwarded-For", otherAddress)
}

// wantBusy checks for a 429 with Retry-After and the client's limit.
func (i *incident) wantBusy(what string, got harness.Answer, err error, quota int) {
	i.Helper()
	if err != nil || got.Status != http.StatusTooManyRequests || got.Header.Get("Retry-After") == "" ||
		!strings.Contains(got.Header.Get("RateLimit-Policy"), fmt.Sprintf("q=%d;", quota)) {
		i.Errorf("%s: %v, status %d, %v", what, err, got.Status, got.Header)
	}
}

func greedyReader(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{
		"SSE_MAX_STREAMS": fmt.Sprint(greedySlots), "SSE_MAX_STREAMS_PER_CLIENT": "", "TRUSTED_PROXIES": "127.0.0.0/8", "MAX_REQUESTS": "0"})
	c := harness.NewReaders(i.T, h, swarm.Options{})
	streams := c.Add(harness.NewSessions(greedySlots), swarm.StreamOptions{})
	c.Open(streams...)
	n := c.AwaitCounts(i.T, harness.OpenWithin, func(n swarm.Counts) bool { return n.Opened+n.Refused+n.Failed == greedySlots })
	if n.Opened != greedySlots/4 || n.Failed > 0 {
		i.Errorf("%+v, want %d served", n, greedySlots/4)
	}
	i.note("%d of %d served", n.Opened, greedySlots)
	i.reloaded(h.Service) // the successors must take them into account
	got, err := h.Send(http.MethodGet, "/api/ai/stream/"+uuid.NewString(), nil)
	i.wantBusy("one more, after a reload", got, err, greedySlots/4)
	i.wantStream(h)
}

// wantStream checks that another client can start a run and open its stream.
func (i *incident) wantStream(h *harness.Instance) {
	i.Helper()
	body := fmt.Sprintf(`{"type":"chat","user_id":%q,"message":"What is light?","options":{"content":"Light is what the eye can see."}}`, harness.UserID)
	got, err := asOther(h, http.MethodPost, "/api/ai/process-stream", []byte(body))
	var begun struct {
		URL string `json:"stream_url"`
	}
	if err != nil || got.Status != http.StatusOK || json.Unmarshal(got.Body, &begun) != nil {
		i.Fatalf("another client's run: %v, status %d: %.300s", err, got.Status, got.Body)
	}
	if got, err = asOther(h, http.MethodGet, begun.URL, nil); err != nil || got.Status != http.StatusOK || !strings.Contains(string(got.Body), `"complete"`) {
		i.Errorf("another client's stream: %v, status %d: %.300s", err, got.Status, got.Body)
	}
}

func greedyAsker(i *incident) {
	held := make(chan struct{})
	model := fakellm.New(fakellm.Options{Answer: func(r fakellm.Request) string {
		if strings.Contains(r.LastUser(), greedyWords) {
			<-held
		}
		return fakellm.EchoAnswer(r)
	}})
	settings := upstreamSettings(i.serveUpstream(model) + "/v1")
	for name, value := range map[string]string{"LLM_TIMEOUT": "60", "MAX_CONCURRENT_RUNS_PER_CLIENT": "", "TRUSTED_PROXIES": "127.0.0.0/8", "MAX_REQUESTS": "0"} {
		settings[name] = value
	}
	h := i.startInstance(settings)
	answers := make(chan harness.Answer, greedyRuns)
	for n := range greedyRuns {
		go func() {
			got, err := h.Send(http.MethodPost, harness.ChatURL, fmt.Appendf(nil, `{"type":"chat","user_id":"u","message":"%s %d"}`, greedyWords, n))
			if err != nil {
				i.Error(err)
			}
			answers <- got
		}()
	}
	const quota = harness.MaxConcurrentRuns / 4
	for range greedyRuns - quota { // the others wait for the model
		i.wantBusy("a run too many", <-answers, nil, quota)
	}
	for n := range enoughNotes { // other users can use the service as before
		if got, err := asOther(h, http.MethodPost, harness.ChatURL, fmt.Appendf(nil, `{"type":"chat","user_id":"v","message":"What is light? %d"}`, n)); err != nil || got.Status != http.StatusOK {
			i.Errorf("another client's run: %v, status %d: %.300s", err, got.Status, got.Body)
		}
	}
	close(held)
	for range quota {
		if got := <-answers; got.Status != http.StatusOK {
			i.Errorf("a run within the bound: status %d: %.300s", got.Status, got.Body)
		}
	}
	i.note("%d of %d served", quota, greedyRuns)
}

const greedyWords = "one of many slow questions"

func memoryLimitsRefused(i *incident) {
	for _, mb := range []string{"1", "1024"} {
		status, log := i.startRefused(map[string]string{"MAX_WORKER_MEMORY_MB": mb}, nil)
		if status != 2 {
			i.Errorf("MAX_WORKER_MEMORY_MB=%s: exit status %d, want 2", mb, status)
		}
		wantWords(i.T, log, "MAX_WORKER_MEMORY_MB")
	}
}

func smallContainer(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, quietSettings(nil), func(host *container.HostConfig) { host.Memory, host.MemorySwap = smallMemory, smallMemory })
	for until := time.Now().Add(quietFor); time.Now().Before(until); testkit.Pause(time.Second) {
		h.Call(i.T, http.MethodGet, "/readyz", nil, http.StatusOK, nil)
	}
	if m := h.Metrics(i.T); m.Recycles["memory"] > 0 {
		i.Errorf("%d workers were replaced for their memory: %+v", m.Recycles["memory"], m.Workers)
	}
	wantWell(h, i)
}
