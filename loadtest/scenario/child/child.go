// Package child runs the programs that a measurement is about, as children of this process.
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

// lastWords is how long the rest of what an ended program wrote is waited for: an orphan may still hold the pipe.
const lastWords = time.Second

// Process is a running program. Its fields are for reading.
type Process struct {
	PID   int
	Ended chan struct{} // closed when it has been waited for
	Err   error         // how it ended; valid then

	command *exec.Cmd
}

// Start starts a program with these settings alone, in a folder ("" = this one). It ends with this process, and Ctrl-C does not
// reach it. stderr gets what it writes there, all of it before Ended is closed.
func Start(dir string, env map[string]string, stderr io.Writer, program string, args ...string) (*Process, error) {
	p := &Process{Ended: make(chan struct{}), command: exec.Command(program, args...)} //nolint:noctx // Stop ends it, in two steps
	p.command.Dir, p.command.Stderr, p.command.WaitDelay = dir, stderr, lastWords
	for _, name := range slices.Sorted(maps.Keys(env)) {
		p.command.Env = append(p.command.Env, name+"="+env[name])
	}
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the kernel takes this thread's end for the parent's (prctl(2), PR_SET_PDEATHSIG)
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

// Stop ends the program by TERM, and by KILL when it takes longer than patience. One that does not end by itself with status 0
// is an error.
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
		return errors.New("it did not end after TERM: killed")
	}
}

// Of returns the children of a process, whichever thread made them, those that only wait to be reaped included.
func Of(pid int) (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is valid
	for _, list := range lists {
		text, _ := os.ReadFile(list) // a thread that has ended meanwhile has none
		for field := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}
