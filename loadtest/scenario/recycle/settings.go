package recycle

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"studysharper/loadtest/command"
)

// settings determine the size of the parts. The defaults are the full sizes.
type settings struct {
	binary string
	parts  []string
	env    map[string]string

	workers, maxRequests, jitter int
	clients                      int

	requests, recycles int
	think              time.Duration
	freshRequests      int

	idleRequests, idleClients int
	idleFor                   time.Duration

	streams, streamRecycles int
	streamRun, streamQuiet  time.Duration
	streamLimit             time.Duration

	kills, stops int

	ratioPairs  int
	ratioWindow time.Duration

	connections, balanceRounds int
}

const synopsis = `usage: loadtest bench-recycle [flags]
Measures what clients notice of workers that are replaced; see -parts. Exit status 0
when every goal holds, 1 when not.
`

// parseSettings parses the flags. It writes the usage only for -h; the error of a wrong flag is one line.
func parseSettings(args []string, stderr io.Writer) (settings, error) {
	s := settings{env: map[string]string{}}
	fs := flag.NewFlagSet("loadtest bench-recycle", flag.ContinueOnError)
	chosen := fs.String("parts", "all", "which `parts`, separated by commas: "+strings.Join(names(), ", "))
	fs.Func("env", "a setting of the server, `NAME=VALUE`, over the part's own; may be repeated", s.setEnv)
	s.define(fs)
	if err := command.ParseOnlyFlags(fs, args, synopsis, stderr); err != nil {
		return s, err
	}
	if s.parts = strings.FieldsFunc(*chosen, func(r rune) bool { return r == ',' || r == ' ' }); *chosen == "all" {
		s.parts = names()
	}
	return s, s.check(fs)
}

// define defines the flags that are stored unchanged.
func (s *settings) define(fs *flag.FlagSet) {
	fs.StringVar(&s.binary, "binary", "", "the studysharper to measure; default: built from this module")
	fs.IntVar(&s.workers, "workers", 2, "WEB_CONCURRENCY")
	fs.IntVar(&s.maxRequests, "max-requests", 1000, "MAX_REQUESTS")
	fs.IntVar(&s.jitter, "jitter", 50, "MAX_REQUESTS_JITTER")
	fs.IntVar(&s.clients, "clients", 32, "keep-alive clients of keepalive, fresh and ratio")
	fs.IntVar(&s.requests, "requests", 1_000_000, "keepalive: requests")
	fs.IntVar(&s.recycles, "recycles", 700, "keepalive: minimum number of recycles")
	fs.DurationVar(&s.think, "think", 0, "keepalive: pause of a client between two requests")
	fs.IntVar(&s.freshRequests, "fresh", 300_000, "fresh: requests, each over a new connection")
	fs.IntVar(&s.idleRequests, "idle", 6000, "idle: requests after a period of silence")
	fs.IntVar(&s.idleClients, "idle-clients", 300, "idle: clients")
	fs.DurationVar(&s.idleFor, "idle-for", 3500*time.Millisecond, "idle: silence between two requests of a client")
	fs.IntVar(&s.streams, "streams", 200, "streams: event streams open at any time")
	fs.IntVar(&s.streamRecycles, "stream-recycles", 50, "streams: minimum number of recycles, after which the part ends")
	fs.DurationVar(&s.streamRun, "stream-run", 4*time.Second, "streams: duration of a run")
	fs.DurationVar(&s.streamQuiet, "stream-quiet", 30*time.Second, "streams: longest time that a stream is open before its run begins; the mean is half of it")
	fs.DurationVar(&s.streamLimit, "stream-limit", 10*time.Minute, "streams: the part ends after this at the latest")
	fs.IntVar(&s.kills, "kills", 200, "kill: workers killed")
	fs.IntVar(&s.stops, "stops", 4, "stop: workers stopped")
	fs.IntVar(&s.ratioPairs, "ratio-pairs", 3, "ratio: pairs of windows, with recycling and without")
	fs.DurationVar(&s.ratioWindow, "ratio-window", 10*time.Second, "ratio: length of a window")
	fs.IntVar(&s.connections, "connections", 50, "balance: connections, and then as many streams")
	fs.IntVar(&s.balanceRounds, "balance-rounds", 5, "balance: rounds, each measured after as many recycles as there are workers")
}

func (s *settings) setEnv(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return errors.New("must be NAME=VALUE")
	}
	s.env[name] = value
	return nil
}

// zeroAllowed lists the number flags that may be 0; the others must be at least 1.
var zeroAllowed = []string{"jitter", "recycles", "stream-recycles", "stream-quiet", "think"}

// check returns an error for a setting that is out of bounds.
func (s *settings) check(fs *flag.FlagSet) error {
	for _, name := range s.parts {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("-parts %q: must be of %s", name, strings.Join(names(), ", "))
		}
	}
	if len(s.parts) == 0 {
		return errors.New("-parts: names no part")
	}
	const most = 100_000_000
	var wrong error
	fs.VisitAll(func(f *flag.Flag) {
		getter, ok := f.Value.(flag.Getter)
		if !ok {
			return
		}
		least := 1
		if slices.Contains(zeroAllowed, f.Name) {
			least = 0
		}
		switch v := getter.Get().(type) {
		case int:
			if v < least || v > most {
				wrong = fmt.Errorf("-%s %d: must be %d to %d", f.Name, v, least, most)
			}
		case time.Duration:
			if v < time.Duration(least) || v > time.Hour {
				wrong = fmt.Errorf("-%s %v: must be above 0 and at most 1h", f.Name, v)
			}
		}
	})
	return wrong
}

func names() []string {
	all := make([]string, len(parts))
	for i, p := range parts {
		all[i] = p.name
	}
	return all
}
