// Package redistest runs real Redis servers for tests, each in its own temporary folder.
package redistest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"studysharper/app/testkit"
)

const (
	bootWait = 30 * time.Second
	look     = 10 * time.Millisecond
)

// Server is a redis-server. Its methods end the test on errors.
type Server struct {
	Port    int
	folder  string
	args    []string
	running *exec.Cmd
	ended   chan struct{}
	output  bytes.Buffer
}

// Start runs a server on a free port of 127.0.0.1 until the test and its subtests end. It
// stores nothing on disk. args are further redis-server arguments, such as "--maxmemory",
// "4mb". If Redis is not installed, the test is skipped, or fails if CI=true.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	testkit.SkipShort(t, "runs redis-server")
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is not installed")
		}
		t.Skip("redis-server is not installed")
	}
	s := &Server{Port: freePort(t), folder: t.TempDir()}
	s.args = append([]string{"--save", "", "--appendonly", "no"}, args...)
	t.Cleanup(s.Kill)
	s.Resume(t)
	return s
}

// The servers' ports; those of a cluster's bus are 10,000 higher. Both are below the kernel's range of ephemeral ports
// (32768 to 60999), so that no connection takes the port of a server that is restarted.
const firstPort, lastPort = 10_000, 22_000

// freePort returns a port that was free a moment ago, as was the port 10,000 above it.
func freePort(t testing.TB) int {
	t.Helper()
	for {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if isFree(port) && isFree(port+10_000) {
			return port
		}
	}
}

func isFree(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

// Addr returns the server's HOST:PORT.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// URL returns the server's address in the form of REDIS_URL.
func (s *Server) URL() string { return "redis://" + s.Addr() }

// Output returns what the server has printed. Call it only after Kill.
func (s *Server) Output() string { return s.output.String() }

// Resume restarts a server after Kill, empty and on the same port, and returns when it answers.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	s.start(t, "redis-server", append([]string{"--port", strconv.Itoa(s.Port), "--bind", "127.0.0.1", "--dir", s.folder}, s.args...)...)
}

func (s *Server) start(t testing.TB, program string, args ...string) {
	t.Helper()
	c := exec.Command(program, args...) // Kill ends it
	c.Stdout, c.Stderr = &s.output, &s.output
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, c.Start())
	s.running, s.ended = c, make(chan struct{})
	go func(ended chan struct{}) { _ = c.Wait(); close(ended) }(s.ended) // its status says that it was killed
	client := redis.NewClient(&redis.Options{Addr: s.Addr(), MaxRetries: -1})
	defer func() { _ = client.Close() }()
	var err error
	if !testkit.PollFor(bootWait, look, func() bool {
		err = client.Ping(context.Background()).Err()
		_, replied := err.(redis.Error) // an error reply of Redis
		return err == nil || replied
	}) {
		s.Kill()
		t.Fatalf("Redis does not answer: %v\n%s", err, s.Output())
	}
}

// Kill kills the server if it is running; its data is lost.
func (s *Server) Kill() {
	if s.running == nil {
		return
	}
	_ = s.running.Process.Kill()
	<-s.ended
	s.running = nil
}

// Freeze suspends the server until Thaw: connections stay open and silent.
func (s *Server) Freeze(t testing.TB) { t.Helper(); must(t, s.running.Process.Signal(syscall.SIGSTOP)) }

// Thaw ends Freeze.
func (s *Server) Thaw(t testing.TB) { t.Helper(); must(t, s.running.Process.Signal(syscall.SIGCONT)) }

// Client returns a plain client of the server, which is closed at the end of the test.
func (s *Server) Client(t testing.TB) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.Addr()})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Cluster runs three servers that share the keys, and returns their REDIS_URL.
func Cluster(t testing.TB, args ...string) (servers []*Server, url string) {
	t.Helper()
	command := []string{"--cluster", "create"}
	url = "redis+cluster://"
	for i := range 3 {
		s := Start(t, append([]string{"--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
			"--cluster-config-file", fmt.Sprintf("nodes-%d.conf", i), "--cluster-require-full-coverage", "no"}, args...)...)
		servers, command = append(servers, s), append(command, s.Addr())
		url += s.Addr() + map[bool]string{true: ",", false: ""}[i < 2]
	}
	out, err := exec.Command("redis-cli", append(command, "--cluster-yes")...).CombinedOutput() // it ends by itself
	if err != nil {
		t.Fatalf("redis-cli --cluster create: %v\n%s", err, out)
	}
	for _, s := range servers {
		testkit.Eventually(t, "the cluster is one", func() bool {
			info, err := s.Client(t).ClusterInfo(context.Background()).Result()
			return err == nil && bytes.Contains([]byte(info), []byte("cluster_state:ok"))
		})
	}
	return servers, url
}

// Sentinel runs a master, a replica and a sentinel that watches them (down after 500 ms, a
// quorum of one), and returns the REDIS_URL.
func Sentinel(t testing.TB) (master, replica *Server, url string) {
	t.Helper()
	master = Start(t)
	replica = Start(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(master.Port), "--repl-diskless-sync-delay", "0")
	testkit.Eventually(t, "the replica follows", func() bool {
		info, err := replica.Client(t).Info(context.Background(), "replication").Result()
		return err == nil && bytes.Contains([]byte(info), []byte("master_link_status:up"))
	})
	s := &Server{Port: freePort(t), folder: t.TempDir()}
	conf := filepath.Join(s.folder, "sentinel.conf")
	must(t, os.WriteFile(conf, fmt.Appendf(nil, "port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor main 127.0.0.1 %d 1\n"+
		"sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 2000\n", s.Port, s.folder, master.Port), 0o600))
	t.Cleanup(s.Kill)
	s.start(t, "redis-server", conf, "--sentinel")
	testkit.Eventually(t, "the sentinel knows the replica", func() bool {
		known, err := redis.NewSentinelClient(&redis.Options{Addr: s.Addr()}).Replicas(context.Background(), "main").Result()
		return err == nil && len(known) == 1
	})
	return master, replica, "redis+sentinel://" + s.Addr() + "/main"
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
