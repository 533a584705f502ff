// Package child runs the programs to be measured as children of this process.
package child

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lastWords is how long to wait for the remaining output of a program that has ended: an orphan may still hold the pipe
// open.
const lastWords = time.Second

// Process is a running program. Its fields are read-only.
type Process struct {
	PID   int
	Ended chan struct{} // closed when the process has been waited for
	Err   error         // its exit error; valid once Ended is closed

	command *exec.Cmd
}

// Start starts a program with only these environment variables, in a folder ("" = this one). The program ends with this
// process, and Ctrl-C does not reach it. Its standard error is copied to stderr, completely before Ended is closed.
func Start(dir string, env map[string]string, stderr io.Writer, program string, args ...string) (*Process, error) {
	p := &Process{Ended: make(chan struct{}), command: exec.Command(program, args...)} //nolint:noctx // Stop ends it, in two steps
	p.command.Dir, p.command.Stderr, p.command.WaitDelay = dir, stderr, lastWords
	for _, name := range slices.Sorted(maps.Keys(env)) {
		p.command.Env = append(p.command.Env, name+"="+env[name])
	}
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the kernel treats the end of this thread as the parent's (prctl(2), PR_SET_PDEATHSIG)
		defer runtime.UnlockOSThread()
		err := p.command.Start()
		started <- err
		if err != nil {
			return
		}
		if err := p.command.Wait(); !errors.Is(err, exec.ErrWaitDelay) {
			p.Err = err
		}
		close(p.Ended)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	p.PID = p.command.Process.Pid
	return p, nil
}

// Stop ends the program with TERM, and with KILL if that takes longer than patience. It returns an error unless the
// program exits with status 0.
func (p *Process) Stop(patience time.Duration) error {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.Ended:
		return p.Err
	case <-timer.C:
		_ = p.command.Process.Kill()
		<-p.Ended
		return errors.New("it did not exit after TERM and was killed")
	}
}

// Of returns the children of a process, whichever of its threads started them, including zombies.
func Of(pid int) (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is valid
	for _, list := range lists {
		text, _ := os.ReadFile(list) // a thread that has ended since has no list
		for field := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}
