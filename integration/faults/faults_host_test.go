package faults

import (
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/moby/moby/api/types/container"
	"golang.org/x/sys/unix"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/fakellm"
)

const (
	unknownUser  = 12345
	fewThreads   = 64 // limit for the whole container
	manyAtOnce   = 50
	smallPipe    = 4096 // bytes, the smallest size possible
	linesUnread  = 300  // many times as many as it can buffer
	leastTimeout = 4 * time.Second
	settingValue = "canary-of-a-setting"
)

// hostFaults are faults of the machine and the container.
var hostFaults = []fault{
	{id: "H1a", what: "the wall clock steps while clients are counted", sees: "nothing", lost: "nothing", held: "app/limit.TestAMomentThatCannotBeIsHeldToWhatCan"},
	{id: "H1b", what: "the wall clock differs from the token issuer's, by up to 30 s", sees: "nothing", lost: "nothing", held: "app/auth.TestATokenSignedWithTheSecretTellsItsUser"},
	{id: "H3", what: "the log is not read, and its pipe is full", sees: "nothing", lost: "log lines; they are counted", well: atOnce, test: logUnread},
	{id: "H4", what: "the log's reader closes it", sees: "nothing", lost: "the log", test: logClosed},
	{id: "H5a", what: "`/dev/shm` has no room", sees: "nothing: the scoreboard uses an anonymous file", lost: "nothing", test: sharedMemoryFull},
	{id: "H5b", what: "`/dev/shm` is filled while the service runs", sees: "nothing, even during a reload", lost: "nothing", test: sharedMemoryFilled},
	{id: "H5c", what: "`WORKER_TMP_DIR` is missing", sees: "nothing, and the log says so", lost: "nothing", test: sharedMemoryMissing},
	{id: "H5d", what: "the root file system is read-only", sees: "nothing", lost: "nothing", held: "integration/container.TestServiceRunsWithoutPrivileges"},
	{id: "H6a", what: "the service runs as an unknown user", sees: "nothing", lost: "nothing", test: userUnknown},
	{id: "H6b", what: "the service cannot write to its volume", sees: "nothing: the start is refused, exit status 3", lost: "nothing", test: volumeForeign},
	{id: "H7", what: "the container is limited to 64 threads and processes", sees: "nothing, with fifty requests at once and during a reload", lost: "nothing", test: threadsFew},
	{id: "H8", what: "the cgroup is v1, v2, nested or missing", sees: "nothing", lost: "nothing", held: "app/memory.TestCgroupIsFoundAndReadEverywhere"},
	{id: "H9", what: "memory runs short in a worker", sees: "nothing: it is replaced before the limit", lost: "nothing", held: "integration/memory.TestLeakingWorkersAreReplacedAndNoRequestFails"},
	{id: "H10", what: "invalid settings", sees: "nothing: the start is refused, exit status 2, one line per fault, no secret in them", lost: "nothing", test: settingsWrong},
}

// wantChats checks that n chats, atATime of them concurrent, are answered.
func (i *incident) wantChats(s *harness.Service, n, atATime int) {
	i.Helper()
	var all sync.WaitGroup
	for c := range atATime {
		all.Go(func() {
			for m := c; m < n; m += atATime {
				if got, err := askChat(s, m); err != nil || got.Status != http.StatusOK {
					i.Errorf("a chat: %v, status %d: %.300s", err, got.Status, got.Body)
				}
			}
		})
	}
	all.Wait()
}

// reloaded makes the service replace every worker, and waits until all new ones are ready.
func (i *incident) reloaded(s *harness.Service) {
	i.Helper()
	before := s.Metrics(i.T).PIDs()
	s.Call(i.T, http.MethodPost, "/api/admin/reload", nil, http.StatusAccepted, nil)
	testkit.Eventually(i.T, "all workers are new", func() bool {
		now := s.Metrics(i.T)
		return now.Settled() && !slices.ContainsFunc(now.PIDs(), func(pid int) bool { return slices.Contains(before, pid) })
	})
}

func logUnread(i *incident) {
	read, write, err := os.Pipe()
	if err != nil {
		i.Fatal(err)
	}
	defer read.Close()
	if _, err := unix.FcntlInt(write.Fd(), unix.F_SETPIPE_SZ, smallPipe); err != nil {
		i.Fatal(err)
	}
	l := i.startOutsideContainer(write)
	began := time.Now()
	i.wantChats(l.Service, linesUnread, 4)
	i.note("%d chats with the log unread in %s", linesUnread, harness.Short(time.Since(began)))
	var log strings.Builder
	drained := make(chan struct{})
	go func() { _, _ = io.Copy(&log, read); close(drained) }() // until the service has exited
	again := time.Now()
	i.wantChats(l.Service, 1, 1)
	i.recoveredAfter(time.Since(again))
	if err := l.command.Process.Signal(syscall.SIGTERM); err != nil {
		i.Fatal(err)
	}
	<-drained
	if n := strings.Count(log.String(), "msg=request"); n < linesUnread {
		i.Errorf("the log has %d requests, want %d at least: the queue has room for them\n%.2000s", n, linesUnread, log.String())
	}
}

func logClosed(i *incident) {
	read, write, err := os.Pipe()
	if err != nil {
		i.Fatal(err)
	}
	l := i.startOutsideContainer(write)
	read.Close()
	i.wantChats(l.Service, 20, 4)
	i.reloaded(l.Service) // the supervisor logs the reload, too
	i.wantChats(l.Service, 20, 4)
	select {
	case <-l.ended:
		i.Errorf("it has ended: %v", l.command.ProcessState)
	default:
	}
}

func sharedMemoryFull(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{}, func(host *container.HostConfig) { host.ShmSize = 4096 })
	i.wantChats(h.Service, 20, 4)
	i.reloaded(h.Service)
	i.wantChats(h.Service, 20, 4)
	wantWords(i.T, harness.LogsOf(h.DockerContainer), "WORKER_TMP_DIR", "anonymous memory file")
}

func sharedMemoryFilled(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{}, func(host *container.HostConfig) { host.ShmSize, host.IpcMode = 1<<20, "shareable" })
	i.runSidecar("! head -c 2M /dev/zero > /dev/shm/ballast", "--ipc", "container:"+h.GetContainerID())
	i.wantChats(h.Service, 20, 4)
	i.reloaded(h.Service)
	i.wantChats(h.Service, 20, 4)
}

func sharedMemoryMissing(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{"WORKER_TMP_DIR": "/nowhere"})
	i.wantChats(h.Service, 20, 4)
	wantWords(i.T, harness.LogsOf(h.DockerContainer), "/nowhere")
}

func userUnknown(i *incident) {
	s := i.startOnHostNetwork(func(host *container.HostConfig) { host.Tmpfs["/data"] = "size=128m,uid=12345,gid=12345,mode=0700" }, asUser(unknownUser, unknownUser))
	i.wantChats(s, 20, 4)
	i.wantAll(i.written(s))
}

func volumeForeign(i *incident) {
	status, log := i.startRefused(nil, func(host *container.HostConfig) { host.Tmpfs["/data"] = "size=16m,uid=10001,mode=0700" }, asUser(unknownUser, unknownUser))
	if status != 3 {
		i.Errorf("exit status %d, want 3", status)
	}
	wantWords(i.T, log, "studysharper: ", "database")
}

// threads returns how many threads a container has in total.
func threads(h *harness.Instance, i *incident) (n int64) {
	all, err := h.Processes()
	if err != nil {
		i.Fatal(err)
	}
	for _, p := range all {
		n += harness.StatusField(strconv.Itoa(p.PID), "Threads") >> 10 // StatusField assumes that every figure is in kB
	}
	return n
}

func threadsFew(i *incident) {
	upstream := fakellm.New(fakellm.Options{Rules: []fakellm.Rule{{LatencyMS: 500}}})
	settings := upstreamSettings(i.serveUpstream(upstream) + "/v1")
	maps.Copy(settings, map[string]string{"LLM_TIMEOUT": "20"})
	few := int64(fewThreads)
	h := harness.StartInstance(i.T, harness.Image, settings, func(host *container.HostConfig) { host.PidsLimit = &few })
	i.wantChats(h.Service, 2*manyAtOnce, manyAtOnce)
	i.reloaded(h.Service)
	i.wantChats(h.Service, manyAtOnce, manyAtOnce)
	i.note("%d threads", threads(h, i))
}

// settingsWrong starts the service with settings that cannot be parsed, and then with settings that are not allowed.
func settingsWrong(i *incident) {
	for _, wrong := range []map[string]string{
		{"WEB_CONCURRENCY": "-1", "LLM_TIMEOUT": "1e9", "CACHE_TTL": "never"},
		{"ENVIRONMENT": "production", "ADMIN_TOKEN": "tooshort-" + settingValue[:3], "JWT_SECRET": "short-secret",
			"DATABASE_URL": "mysql://u:" + settingValue + "@h/d", "REDIS_URL": "ftp://u:" + settingValue + "@h"},
	} {
		status, log := i.startRefused(wrong, nil)
		if status != 2 {
			i.Errorf("exit status %d, want 2", status)
		}
		wantWords(i.T, log, slices.DeleteFunc(slices.Collect(maps.Keys(wrong)), func(name string) bool { return name == "ENVIRONMENT" })...)
		i.wantAbsent("the log", log, settingValue, "tooshort", "short-secret")
	}
}
