// Package sandbox is the process that reads a file: `studysharper extract`. It limits itself before it reads the file.
// app/extract/child is the other side.
package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"studysharper/app/extract"
	"studysharper/app/extract/child"
	"studysharper/app/extract/pdf"
	"studysharper/app/study"
)

// ErrByHand is the error of Serve if the process was not started by a worker.
var ErrByHand = errors.New("'extract' is internal: upload the file to POST /api/notes/import")

// Limits of the process, in addition to those in child.Order.
const (
	openFiles = 16
	fileBytes = 8 << 20 // what it could write to a file if it had one
)

// Serve runs the process: it reads the file from standard input, and writes Markdown to standard output and a
// child.Report to descriptor 3. If the file is unreadable, the report says so; that is not an error of Serve.
func Serve(stdin *os.File, stdout io.Writer) error {
	var o child.Order
	if err := json.Unmarshal([]byte(os.Getenv(child.OrderVar)), &o); err != nil || o.Memory <= 0 {
		return ErrByHand
	}
	reports := os.NewFile(child.ReportFD, "report")
	said := json.NewEncoder(reports)
	data, unmap, err := mapFile(stdin)
	if err != nil {
		return err
	}
	defer unmap()
	engine, err := prepare(o, extract.IsPDF(data), said)
	if err != nil {
		return err
	}
	d, err := extract.Read(data, extract.Options{Extension: o.Extension, MaxPages: o.MaxPages, PDF: engine})
	r := child.Report{Extraction: d}
	if err != nil {
		e := study.AsError(err) // its cause may quote the file
		r = child.Report{Code: e.Code, Message: e.Message}
	} else if _, err := io.WriteString(stdout, d.Markdown); err != nil {
		return err
	}
	return errors.Join(said.Encode(r), reports.Close())
}

// prepare limits the process and loads the PDF reader if needed. Loading it is harmless, and compiling it needs more
// than the limits allow; therefore both are done before the limits are set if o.PDF.Compile allows it. Otherwise
// compiling it within the limits would kill the process; the report that is sent before tells the worker what that
// would mean.
func prepare(o child.Order, isPDF bool, said *json.Encoder) (engine *pdf.Engine, err error) {
	if isPDF && o.PDF.Compile {
		if engine, err = pdf.OpenEngine(o.PDF.Folder); err != nil {
			engine = nil
		}
	}
	if err := limitProcess(uint64(o.Memory)); err != nil {
		return nil, err
	}
	if !isPDF || engine != nil {
		return engine, nil
	}
	unavailable := child.NoPDF()
	if err := said.Encode(child.Report{Code: unavailable.Code, Message: unavailable.Message}); err != nil {
		return nil, err
	}
	if engine, err = pdf.OpenEngine(o.PDF.Folder); err != nil {
		return nil, err
	}
	return engine, said.Encode(child.Report{})
}

// Fill compiles the PDF reader into a folder.
func Fill(folder string) error {
	engine, err := pdf.OpenEngine(folder)
	if err != nil {
		return err
	}
	return engine.Close()
}

// limitProcess limits this process permanently. The address space cannot be limited, because Go reserves much more than
// it uses.
func limitProcess(memory uint64) error {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		return fmt.Errorf("limit the process: %w", err)
	}
	if !dataLimited {
		memory = unix.RLIM_INFINITY
	}
	seconds := uint64(used.Utime.Sec+used.Stime.Sec) + child.CPUSeconds
	for resource, most := range map[int]uint64{
		unix.RLIMIT_DATA: memory, unix.RLIMIT_CPU: seconds, unix.RLIMIT_NOFILE: openFiles, unix.RLIMIT_FSIZE: fileBytes, unix.RLIMIT_CORE: 0,
	} {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("limit the process: %w", err)
		}
	}
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0) //nolint:gosec // the first to go when memory runs out; it is there
	return nil
}

// mapFile maps the file instead of copying it: pages of a sealed memory file do not count as the process's data.
func mapFile(file *os.File) (data []byte, unmap func(), err error) {
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.Size() == 0 {
		return nil, func() {}, nil
	}
	data, err = unix.Mmap(int(file.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, nil, fmt.Errorf("map the file: %w", err)
	}
	return data, func() { _ = unix.Munmap(data) }, nil
}
