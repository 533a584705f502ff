// Package child reads a file in a process of its own: this program, started as `extract` (app/extract/sandbox). The
// main idea: the kernel, not the readers, limits what a hostile file can do. The process has limited memory and
// processor time, and no access to other files. It receives the file as a sealed memory file, answers on two pipes from
// which the worker reads a limited amount, and dies with the worker.
package child

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"studysharper/app/study"
)

// Limits of the process. Typical files need 50 to 170 MB.
const (
	heapTarget = 110 << 20 // GOMEMLIMIT
	// CPUSeconds is the processor time of the process.
	CPUSeconds = 10
	wallTime   = 25 * time.Second
	// compileTime is added if the process may have to compile the PDF reader first: once, and only outside the image.
	compileTime = time.Minute

	maxMarkdown = 1<<20 + 64
	maxReport   = 64 << 10
	maxErrors   = 64 << 10
)

// OrderVar is the environment variable that contains an Order as JSON.
const OrderVar = "STUDYSHARPER_EXTRACT"

// ReportFD is the descriptor to which the process writes its Report; the Markdown goes to its standard output.
const ReportFD = 3

// Order contains the parameters of the process.
type Order struct {
	Extension string // of the file's name, without the dot
	MaxPages  int
	Memory    int64 // bytes of data (RLIMIT_DATA)
	PDF       PDFReader
}

// Report is the result of the process: the content of the file, or an error.
type Report struct {
	Extraction study.Extraction // without a Format: the file is still being read
	Code       study.Code       // "" = the file was read
	Message    string           // quotes no text of the file
}

// Run reads a file in a process of its own. It blocks until the process or ctx ends, for at most 25 seconds, or 85 if
// the process may compile the PDF reader. Errors are *study.Error: the fault of the file; CodeInvalid for a file that
// needs more memory or time than the limits allow; and CodeOverloaded if the kernel killed the process because the
// container had too little memory.
func Run(ctx context.Context, file *os.File, o Order) (study.Extraction, error) {
	wall := wallTime
	if o.PDF.Compile {
		wall += compileTime
	}
	ctx, cancel := context.WithTimeout(ctx, wall)
	defer cancel()
	order, err := json.Marshal(o)
	if err != nil {
		return study.Extraction{}, failed(err)
	}
	reports, reportEnd, err := os.Pipe()
	if err != nil {
		return study.Extraction{}, failed(err)
	}
	defer func() { _ = reports.Close() }()
	out, log := &bounded{limit: maxMarkdown, full: cancel}, &bounded{limit: maxErrors, full: cancel}
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "extract")
	cmd.Env = []string{OrderVar + "=" + string(order), "GOMAXPROCS=1", "GOMEMLIMIT=" + strconv.Itoa(heapTarget), "GOTRACEBACK=none"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = file, out, log, []*os.File{reportEnd}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	cmd.WaitDelay = time.Second
	said, err := runLocked(cmd, reportEnd, reports)
	r := lastReport(said)
	if r.Code != "" {
		return study.Extraction{}, study.Errorf(r.Code, "%s", r.Message)
	}
	if err != nil || r.Extraction.Format == "" {
		return study.Extraction{}, verdict(ctx, cmd, out, log, err)
	}
	r.Extraction.Markdown = out.String()
	return r.Extraction, nil
}

// lastReport returns the last report of the process. An earlier report says what it would mean if the process died.
func lastReport(said []byte) (last Report) {
	for d := json.NewDecoder(bytes.NewReader(said)); ; {
		var r Report
		if d.Decode(&r) != nil {
			return last
		}
		last = r
	}
}

// runLocked starts the process and waits for it on one thread, because the kernel kills the process when the thread
// that started it ends (prctl(2), PR_SET_PDEATHSIG).
func runLocked(cmd *exec.Cmd, reportEnd, reports *os.File) (said []byte, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = cmd.Start()
	_ = reportEnd.Close()
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	said, errRead := io.ReadAll(io.LimitReader(reports, maxReport))
	return said, errors.Join(cmd.Wait(), errRead)
}

// verdict returns the reason why a process ended without a report.
func verdict(ctx context.Context, cmd *exec.Cmd, out, log *bounded, err error) error {
	tooMuch := func(of string) error {
		return &study.Error{Code: study.CodeInvalid, Message: "reading this file needs too much " + of + ": split it, or save it in a simpler form", Cause: err}
	}
	state := cmd.ProcessState
	switch {
	case state == nil:
		return failed(err)
	case out.over || log.over:
		return tooMuch("memory")
	case errors.Is(ctx.Err(), context.DeadlineExceeded), state.UserTime()+state.SystemTime() >= (CPUSeconds-1)*time.Second:
		return tooMuch("time")
	case ctx.Err() != nil:
		return study.Wrap(ctx.Err(), study.CodeUnavailable, "the service is stopping")
	case isOutOfMemory(log.Bytes()):
		return tooMuch("memory")
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return &study.Error{Code: study.CodeOverloaded, Message: "the server has too little memory at the moment to read the file", RetryAfter: 10 * time.Second, Cause: err}
	}
	return &study.Error{Code: study.CodeInvalid, Message: "the file cannot be read: it is damaged, or made in an unusual way", Cause: err}
}

// outOfMemory are the messages of Go and C when the kernel refuses to allocate memory.
var outOfMemory = [][]byte{[]byte("out of memory"), []byte("cannot allocate memory"), []byte("failed to reserve"), []byte("mmap"), []byte("errno=12")}

func isOutOfMemory(log []byte) bool {
	for _, s := range outOfMemory {
		if bytes.Contains(log, s) {
			return true
		}
	}
	return false
}

func failed(err error) error {
	return &study.Error{Code: study.CodeInternal, Message: "the file could not be read because of an error on the server", Cause: err}
}

// bounded is a buffer of at most limit bytes. If more is written, it discards the rest and calls full.
type bounded struct {
	bytes.Buffer
	limit int
	over  bool
	full  func()
}

func (b *bounded) Write(p []byte) (int, error) {
	if room := b.limit - b.Len(); len(p) > room {
		b.over = true
		b.full()
		b.Buffer.Write(p[:max(room, 0)])
		return len(p), nil
	}
	return b.Buffer.Write(p)
}
