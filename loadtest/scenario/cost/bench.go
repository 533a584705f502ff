// Package cost measures what a chat costs each process involved: the service's workers, its supervisor, the model and
// the clients. It runs several programs in parallel, each with its own database, and loads them in turn, so that other
// activity on the machine affects all of them alike. Processor time per request is the figure that a busy machine
// distorts least.
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

// warmUp is how long a program is loaded before each window; it is not counted.
const warmUp = time.Second

// Run measures the programs that the arguments name, and prints a table. It fails if a request was not answered or
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

// row contains the measurements of one program.
type row struct {
	name     string
	windows  []window
	failures []error
}

// measure starts the model and the programs, and loads them in turn.
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

// take measures a program in one window.
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
