// Package cost measures what a chat costs each process that takes part in it: the service's workers, its supervisor, the model
// and the clients. It runs several programs beside each other, each with a database of its own, and loads them by turns: what
// else the machine does then falls on all of them alike. Processor time a request is the figure that a busy machine changes least.
package cost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"studysharper/loadtest/command"
)

// warmUp is how long a program is loaded before each window; it does not count.
const warmUp = time.Second

// Run measures the programs that the arguments name, and prints a table. It fails if a request was not answered, or if
// something could not be measured.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parseSettings(args, stderr)
	if err != nil {
		return command.Misused(err)
	}
	rows, err := measure(ctx, o, stderr)
	if err == nil {
		err = writeTable(stdout, o, rows)
	}
	for _, r := range rows {
		if err == nil && len(r.failures) > 0 {
			err = fmt.Errorf("%s: %d requests failed, the first: %w", r.name, len(r.failures), r.failures[0])
		}
	}
	return err
}

// row is what was measured of one program.
type row struct {
	name     string
	windows  []window
	failures []error
}

// measure starts the model and the programs, and loads them by turns.
func measure(ctx context.Context, o settings, progress io.Writer) (rows []row, err error) {
	dir, err := os.MkdirTemp("", "bench-agents-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	model, err := startModel(ctx)
	if err != nil {
		return nil, err
	}
	defer model.stop()
	var programs []*program
	defer func() {
		for _, p := range programs {
			p.stop()
		}
	}()
	for i, c := range o.candidates {
		p, err := start(ctx, c, filepath.Join(dir, fmt.Sprint(i)), model.address)
		if err != nil {
			return nil, err
		}
		programs = append(programs, p)
		rows = append(rows, row{name: c.name})
	}
	for round := range o.rounds {
		for i, p := range programs {
			if err := rows[i].take(ctx, o, p, model); err != nil {
				return nil, err
			}
			w := rows[i].windows[round]
			fmt.Fprintf(progress, "%d of %d  %-20s %6.0f answers/s, %4.0f µs a request\n", round+1, o.rounds, p.name, w.rate(), w.each(w.service+w.supervisor))
		}
	}
	return rows, nil
}

// take loads a program for a window.
func (r *row) take(ctx context.Context, o settings, p *program, model *process) error {
	if _, err := p.load(ctx, o, warmUp); err != nil {
		return err
	}
	before, err := readUsage(p, model)
	if err != nil {
		return err
	}
	took, err := p.load(ctx, o, o.window)
	if err != nil {
		return err
	}
	after, err := readUsage(p, model)
	if err != nil {
		return err
	}
	r.failures = append(r.failures, took.failures...)
	r.windows = append(r.windows, window{usage: after.since(before), load: took})
	if len(took.times) == 0 {
		return fmt.Errorf("%s answered nothing: %w", p.name, errors.Join(took.failures...))
	}
	return nil
}
