// Package command contains what the commands of the load tool have in common: parsing flags and exiting.
package command

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// The exit statuses.
const (
	Passed   = 0
	Failed   = 1
	Usage    = 2
	NoHealth = 3
)

// ErrMissed is the error of a run that missed its goals; its report says which.
var ErrMissed = errors.New("the goals were missed")

// Error is an error with its own exit status; all other errors exit with Failed.
type Error struct {
	Status int
	Err    error
}

// Error implements error.
func (e Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e Error) Unwrap() error { return e.Err }

// Misused marks an error as one that the user must correct.
func Misused(err error) error { return Error{Usage, err} }

// Parse parses flags before and after words, and returns the words. It writes the usage only for -h; the error of a
// wrong flag is one line.
func Parse(fs *flag.FlagSet, args []string, synopsis string, stderr io.Writer) (words []string, err error) {
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	for {
		err := fs.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stderr, synopsis)
			fs.SetOutput(stderr)
			fs.PrintDefaults()
		}
		if err != nil {
			return nil, err
		}
		if fs.NArg() == 0 {
			return words, nil
		}
		words, args = append(words, fs.Arg(0)), fs.Args()[1:]
	}
}

// ParseOnlyFlags parses flags for a command that accepts no other arguments.
func ParseOnlyFlags(fs *flag.FlagSet, args []string, synopsis string, stderr io.Writer) error {
	words, err := Parse(fs, args, synopsis, stderr)
	if err == nil && len(words) > 0 {
		err = fmt.Errorf("%q: unexpected argument", words[0])
	}
	return err
}

// Status returns the exit status for a command's error, or for nil, and prints the error unless it has been printed.
func Status(name string, err error, stderr io.Writer) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return Passed
	case errors.Is(err, ErrMissed):
		return Failed
	}
	fmt.Fprintf(stderr, "%s: %v\n", name, err)
	if e, ok := errors.AsType[Error](err); ok {
		return e.Status
	}
	return Failed
}
