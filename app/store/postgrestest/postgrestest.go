// Package postgrestest runs a real PostgreSQL server for tests, in its own temporary
// folder. It listens only on a Unix socket in that folder, so there are no port conflicts,
// and it does not protect its data against crashes.
package postgrestest

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"studysharper/app/testkit"
)

const (
	// Password is the password of the server's only user.
	Password = "correct-horse-battery"

	name     = "tester"
	stopWait = 10 * time.Second
)

// Server is a PostgreSQL server. Its methods end the test on errors.
type Server struct {
	folder    string
	binaries  string
	owner     *syscall.Credential // nil: this process may run it as itself
	running   *exec.Cmd
	output    bytes.Buffer
	databases atomic.Int64
}

// Start runs a server until the test and its subtests end. If PostgreSQL is not installed,
// the test is skipped, or fails if CI=true.
func Start(t testing.TB) *Server {
	t.Helper()
	testkit.SkipShort(t, "runs PostgreSQL")
	s := &Server{binaries: installed(t)}
	s.makeFolder(t)
	password := filepath.Join(s.folder, "password")
	must(t, os.WriteFile(password, []byte(Password), 0o644)) //nolint:gosec // a test's
	init := s.command("initdb", "-D", s.data(), "-U", name, "--pwfile", password,
		"--auth=scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	t.Cleanup(func() { s.Stop(t) })
	s.Resume(t)
	return s
}

// installed finds the newest server binaries. Debian does not put them on the PATH.
func installed(t testing.TB) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if path, err := exec.LookPath("postgres"); err == nil {
		found = append(found, path)
	}
	switch {
	case len(found) > 0:
		return filepath.Dir(found[len(found)-1])
	case os.Getenv("CI") == "true":
		t.Fatal("PostgreSQL is not installed")
	default:
		t.Skip("PostgreSQL is not installed")
	}
	return ""
}

// makeFolder creates the server's folder. PostgreSQL refuses to run as root, so root gives
// the folder to another user.
func (s *Server) makeFolder(t testing.TB) {
	t.Helper()
	var err error
	s.folder, err = os.MkdirTemp("", "pg") // not t.TempDir: other users may not enter that, and a socket's path must be short
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(s.folder)) })
	if os.Getuid() != 0 {
		return
	}
	owner, err := user.Lookup("postgres")
	if err != nil {
		owner, err = user.Lookup("nobody")
	}
	must(t, err)
	uid, err := strconv.ParseUint(owner.Uid, 10, 32)
	must(t, err)
	gid, err := strconv.ParseUint(owner.Gid, 10, 32)
	must(t, err)
	s.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	must(t, os.Chown(s.folder, int(uid), int(gid)))
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// command returns a PostgreSQL program that ends with this process.
func (s *Server) command(program string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.binaries, program), args...) //nolint:noctx // Stop ends it
	c.Dir = s.folder
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner, Pdeathsig: syscall.SIGQUIT}
	return c
}

// Resume restarts the server after Stop, and returns when it answers.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	s.running = s.command("postgres", "-D", s.data(), "-c", "listen_addresses=", "-c", "unix_socket_directories="+s.folder,
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=16MB", "-c", "max_connections=60")
	s.running.Stdout, s.running.Stderr = &s.output, &s.output
	must(t, s.running.Start())
	var refused error
	if !testkit.Poll(func() bool {
		conn, err := pgx.Connect(context.Background(), s.URL("postgres", Password))
		if err == nil {
			err = conn.Close(context.Background())
		}
		refused = err
		return err == nil
	}) {
		s.Stop(t)
		t.Fatalf("PostgreSQL does not answer: %v\n%s", refused, &s.output)
	}
}

// Stop stops the server without waiting for clients to disconnect. Stopping a stopped
// server does nothing.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.running == nil {
		return
	}
	ended := make(chan struct{})
	go func(c *exec.Cmd) { _ = c.Wait(); close(ended) }(s.running) // its status depends on how it was stopped
	must(t, s.running.Process.Signal(syscall.SIGINT))
	select {
	case <-ended:
	case <-time.After(stopWait):
		_ = s.running.Process.Kill()
		<-ended
		t.Errorf("PostgreSQL did not stop\n%s", &s.output)
	}
	s.running = nil
}

// Database creates an empty database and returns its url.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	return s.Copy(t, s.URL("template0", Password))
}

// Copy creates a copy of the database at url, to which no connection may be open, and returns its url.
func (s *Server) Copy(t testing.TB, url string) string {
	t.Helper()
	of, err := pgx.ParseConfig(url)
	must(t, err)
	database := fmt.Sprintf("test%d", s.databases.Add(1))
	s.Exec(t, s.URL("postgres", Password), "CREATE DATABASE "+database+" TEMPLATE "+of.Database)
	return s.URL(database, Password)
}

// URL returns the url of a database of the server.
func (s *Server) URL(database, password string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(name, password), Path: "/" + database,
		RawQuery: url.Values{"host": {s.folder}}.Encode()}
	return u.String()
}

// Exec runs statements on a separate connection.
func (s *Server) Exec(t testing.TB, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	must(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	for _, q := range statements {
		_, err := conn.Exec(context.Background(), q)
		must(t, err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
