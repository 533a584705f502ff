package cost

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"studysharper/loadtest/command"
)

// settings are the command's flags.
type settings struct {
	candidates []candidate
	clients    int
	rounds     int
	window     time.Duration
	notes      []string // flashcards are requested from one of them; none = chats
}

// candidate is a program to measure.
type candidate struct {
	name, binary string
	env          map[string]string
}

func parseSettings(args []string, stderr io.Writer) (settings, error) {
	var s settings
	fs := flag.NewFlagSet("loadtest bench-agents", flag.ContinueOnError)
	fs.IntVar(&s.clients, "clients", 50, "clients, each with its own connection")
	fs.IntVar(&s.rounds, "rounds", 5, "windows per program")
	fs.DurationVar(&s.window, "window", 8*time.Second, "length of a window")
	fs.Func("notes", "ask for flashcards from paragraphs of this `FILE`, two at a time, instead of chats (an offline program needs no model: LLM_PROVIDER=offline)", func(name string) error {
		text, err := os.ReadFile(name)
		s.notes = pairs(string(text))
		return err
	})
	fs.Func("program", "a program to measure, `NAME,PATH[,SETTING=VALUE...]`; once for each", func(text string) error {
		c, err := parseCandidate(text)
		s.candidates = append(s.candidates, c)
		return err
	})
	if err := command.ParseOnlyFlags(fs, args, "usage: loadtest bench-agents [flags] -program NAME,PATH[,SETTING=VALUE...] ...\n", stderr); err != nil {
		return s, err
	}
	switch {
	case len(s.candidates) == 0:
		return s, errors.New("name at least one -program")
	case s.clients < 1 || s.rounds < 1 || s.window <= 0:
		return s, errors.New("-clients, -rounds and -window must be above 0")
	}
	return s, nil
}

func parseCandidate(text string) (candidate, error) {
	parts := strings.Split(text, ",")
	if len(parts) < 2 || parts[0] == "" || parts[1] == "" {
		return candidate{}, errors.New("must be NAME,PATH[,SETTING=VALUE...]")
	}
	c := candidate{name: parts[0], binary: parts[1], env: map[string]string{}}
	for _, setting := range parts[2:] {
		name, value, ok := strings.Cut(setting, "=")
		if !ok || name == "" {
			return candidate{}, fmt.Errorf("%q must be SETTING=VALUE", setting)
		}
		c.env[name] = value
	}
	return c, nil
}

// pairs returns the paragraphs of a text in pairs.
func pairs(text string) (list []string) {
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	for i := 0; i+1 < len(paragraphs); i += 2 {
		list = append(list, paragraphs[i]+"\n\n"+paragraphs[i+1])
	}
	return list
}
