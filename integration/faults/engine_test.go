package faults

import (
	"net"
	"strconv"
	"testing"

	"github.com/testcontainers/testcontainers-go"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
)

// engine is a Redis or a PostgreSQL in a container on this machine's own loopback address. It keeps its address when
// it is started again.
type engine struct {
	*testcontainers.DockerContainer
	t       *testing.T
	address string
}

// engine starts an engine and waits until it accepts connections. command gets the port.
func (i *incident) engine(image string, env map[string]string, command func(port string) []string) *engine {
	i.Helper()
	port := strconv.Itoa(harness.FreePort(i.T))
	e := &engine{harness.LaunchOnHost(i.T, image, env, command(port)...), i.T, net.JoinHostPort("127.0.0.1", port)}
	e.await()
	return e
}

func (e *engine) await() {
	e.t.Helper()
	testkit.Eventually(e.t, "the engine takes connections", func() bool { return harness.Accepts(e.address) })
}

// kill kills the engine; what it had only in memory is lost.
func (e *engine) kill() { e.t.Helper(); harness.Docker(e.t, "kill", e.GetContainerID()) }

// back restarts the engine.
func (e *engine) back() { e.t.Helper(); harness.Docker(e.t, "start", e.GetContainerID()); e.await() }

// freeze suspends the engine: connections stay open and silent.
func (e *engine) freeze() { e.t.Helper(); harness.Docker(e.t, "pause", e.GetContainerID()) }

func (e *engine) thaw() { e.t.Helper(); harness.Docker(e.t, "unpause", e.GetContainerID()) }

// redis starts a Redis without persistence.
func (i *incident) redis(more ...string) *engine {
	i.Helper()
	return i.engine("redis:7-bookworm", nil, func(port string) []string {
		return append([]string{"redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"}, more...)
	})
}

// postgres starts a PostgreSQL, and also returns its DATABASE_URL.
func (i *incident) postgres() (*engine, string) {
	i.Helper()
	env := map[string]string{"POSTGRES_USER": "studysharper", "POSTGRES_DB": "studysharper", "POSTGRES_PASSWORD": postgresPassword}
	e := i.engine("postgres:15-bookworm", env, func(port string) []string {
		return []string{"postgres", "-c", "listen_addresses=127.0.0.1", "-c", "port=" + port}
	})
	return e, "postgres://studysharper:" + postgresPassword + "@" + e.address + "/studysharper"
}
