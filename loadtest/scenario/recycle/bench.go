// Package recycle measures what clients notice when workers are replaced. It runs a StudySharper on 127.0.0.1, loads it
// while its workers recycle, are killed or are stopped, and compares what the clients saw with the goals. The clients
// never retry, because a retry would hide exactly the failures to be measured.
package recycle

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"studysharper/loadtest/command"
)

// Run measures the parts that the arguments choose, and prints a table of figures and goals. If goals were not reached,
// it returns command.ErrMissed. If ctx ends, it stops early and reports what it has measured.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parseSettings(args, stderr)
	if err != nil {
		return command.Misused(err)
	}
	r, err := measure(ctx, o, stderr)
	if err == nil {
		err = r.writeTable(stdout)
	}
	if err == nil && !r.Pass {
		err = command.ErrMissed
	}
	return err
}

// bench is one run.
type bench struct {
	o        settings
	binary   string
	dir      string
	progress io.Writer
	figures  []figure
	notes    []string
	over     overall
}

// keptComplaints is how many different log lines of servers the report keeps.
const keptComplaints = 50

// part measures one thing and adds its figures. It returns an error if it could not measure.
type part struct {
	name string
	run  func(*bench, context.Context) error
}

var parts = []part{
	{"keepalive", (*bench).keepalive},
	{"fresh", (*bench).fresh},
	{"idle", (*bench).idle},
	{"streams", (*bench).streams},
	{"kill", (*bench).kill},
	{"stop", (*bench).stop},
	{"ratio", (*bench).ratio},
	{"balance", (*bench).balance},
}

// measure runs the chosen parts and judges them.
func measure(ctx context.Context, o settings, progress io.Writer) (report, error) {
	dir, err := os.MkdirTemp("", "bench-recycle-")
	if err != nil {
		return report{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a leftover is in the folder for temporary files
	b := &bench{o: o, dir: dir, progress: progress}
	if b.binary, err = binary(ctx, o.binary, dir); err != nil {
		return report{}, err
	}
	began := time.Now()
	for _, p := range parts {
		if !slices.Contains(o.parts, p.name) || ctx.Err() != nil {
			continue
		}
		b.say("%s …", p.name)
		if err := p.run(b, ctx); err != nil {
			b.add(figure{Part: p.name, Name: "could not be measured", Measured: "-", Goal: "-", Note: err.Error()})
		}
	}
	if ctx.Err() != nil {
		b.add(figure{Part: "all", Name: "interrupted", Measured: "-", Goal: "-"})
	}
	b.overall()
	return newReport(b, began), nil
}

// binary returns the program to measure: the given one, or one built from this module.
func binary(ctx context.Context, given, dir string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	path := filepath.Join(dir, "studysharper")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "studysharper/app")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build studysharper/app: %w\n%s", err, out)
	}
	return path, nil
}

func (b *bench) add(f ...figure) { b.figures = append(b.figures, f...) }

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.progress, "%s "+format+"\n", append([]any{time.Now().Format("15:04:05")}, args...)...)
}

// overall contains the figures that are judged over all parts.
type overall struct {
	most, samples  int64 // highest number of live workers; samples taken
	lost, recycled int64 // workers that ended unexpectedly, and as planned, in parts that do not end workers themselves
	unread, read   int64 // failed readings of the metrics page, and all readings
	details        []string
	servers        int64
	badEnds        []string
	logged         []string // log lines of the servers, of level WARN and above
}

// overall adds the figures that concern every part.
func (b *bench) overall() {
	o := b.over
	if o.servers == 0 {
		return
	}
	alive := atMost("all", "workers alive at once", float64(o.most), float64(2*b.o.workers), o.samples)
	ends := zeroOf("all", "servers that did not exit cleanly after TERM", int64(len(o.badEnds)), o.servers)
	ends.Details = o.badEnds
	b.add(alive, ends)
	if o.read > 0 {
		lost := zeroOf("all", "workers lost to a crash or a timeout", o.lost, o.lost+o.recycled)
		lost.Pass = o.lost == 0 // even if none was recycled
		unread := zeroOf("all", "metrics page not readable", o.unread, o.read)
		unread.Details = o.details
		b.add(lost, unread)
	}
	for _, line := range o.logged {
		b.notes = append(b.notes, "server: "+line)
	}
	if o.read > 0 && o.recycled == 0 {
		b.notes = append(b.notes, "No worker was recycled: this binary does not do it, or was not asked to. Zeros above prove nothing.")
	}
}
