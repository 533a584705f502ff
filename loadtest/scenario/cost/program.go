package cost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"studysharper/loadtest/client"
	"studysharper/loadtest/pace"
	"studysharper/loadtest/scenario/child"
)

const (
	bootWait = 20 * time.Second
	stopWait = 30 * time.Second
	keptLog  = 2000 // bytes of a program's output that are shown if it does not start
)

// process is a running program.
type process struct {
	*child.Process
	address netip.AddrPort
	said    bytes.Buffer // output; valid once it has ended
}

// program is a running candidate.
type program struct {
	*process
	candidate
}

// start runs a candidate on a free port of 127.0.0.1 and waits until it answers. It passes on none of this process's
// settings.
func start(ctx context.Context, c candidate, dir string, model netip.AddrPort) (*program, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	env := map[string]string{
		"LOG_LEVEL": "warn", "ENVIRONMENT": "test", "DATABASE_URL": "sqlite:" + filepath.Join(dir, "bench.db"),
		"LLM_PROVIDER": "openai", "LLM_API_KEY": "none", "LLM_BASE_URL": "http://" + model.String() + "/v1",
		"RATE_LIMIT_PER_MINUTE": "0", "RATE_LIMIT_PER_HOUR": "0", "RUN_LIMIT_PER_MINUTE": "0", "RUN_LIMIT_PER_HOUR": "0",
		"MAX_CONCURRENT_RUNS_PER_CLIENT": "100000", // all clients come from one address
		"PATH":                           os.Getenv("PATH"), "HOME": dir, "TMPDIR": dir,
	}
	maps.Copy(env, c.env)
	p, err := launch(ctx, env, c.binary)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	return &program{p, c}, nil
}

// launch starts a process that serves HTTP at HOST and PORT, and waits for its first answer.
func launch(ctx context.Context, env map[string]string, binary string, args ...string) (*process, error) {
	address, err := freePort()
	if err != nil {
		return nil, err
	}
	env["HOST"], env["PORT"] = address.Addr().String(), fmt.Sprint(address.Port())
	p := &process{address: address}
	if p.Process, err = child.Start("", env, &p.said, binary, args...); err != nil {
		return nil, err
	}
	if err := p.awaitAnswer(ctx); err != nil {
		p.stop()
		return nil, fmt.Errorf("%w: %.*s", err, keptLog, p.said.String())
	}
	return p, nil
}

func freePort() (netip.AddrPort, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	address, err := netip.ParseAddrPort(l.Addr().String())
	return address, errors.Join(err, l.Close())
}

func (p *process) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bootWait)
	defer cancel()
	for {
		conn, err := client.Dial(ctx, p.address, netip.Addr{}, time.Second)
		if err == nil {
			_, err = conn.Do([]byte("GET /readyz HTTP/1.1\r\nHost: bench\r\n\r\n"), "")
			conn.Close()
		}
		if err == nil {
			return nil
		}
		select {
		case <-p.Ended:
			return errors.New("it exited while starting")
		default:
		}
		if !pace.Sleep(ctx, 20*time.Millisecond) {
			return fmt.Errorf("it did not answer within %v: %w", bootWait, err)
		}
	}
}

// stop ends the process, ignoring its exit status.
func (p *process) stop() { _ = p.Stop(stopWait) }
