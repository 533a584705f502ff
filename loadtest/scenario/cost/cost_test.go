package cost

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"studysharper/app/testkit"
	"studysharper/loadtest/command"
)

// TestMain also serves as the processes that the test of a complete run starts: as the model, and as the measured
// programs. The model can stand for both because it answers any POST.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ModelCommand || os.Getenv("LLM_BASE_URL") != "" {
		os.Exit(command.Status("", ServeModel(context.Background(), nil, os.Stdout, os.Stderr), os.Stderr))
	}
	os.Exit(m.Run())
}

func TestARunTellsWhatEachProgramCosts(t *testing.T) {
	testkit.SkipShort(t, "starts processes")
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out, progress bytes.Buffer
	args := []string{"-clients", "3", "-rounds", "2", "-window", "100ms", "-program", "one," + binary, "-program", "two," + binary + ",MAX_REQUESTS=0"}
	if err := Run(t.Context(), args, &out, &progress); err != nil {
		t.Fatalf("%v: %s", err, progress.String())
	}
	for _, want := range []string{"3 clients, 2 windows of 100ms", "answers/s", "supervisor µs", "clients µs", "one", "two", "one to two, median of 2 pairs"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
}

func TestAProgramThatDoesNotStartIsNamed(t *testing.T) {
	testkit.SkipShort(t, "starts processes")
	var told bytes.Buffer
	err := Run(t.Context(), []string{"-program", "broken,/bin/false"}, io.Discard, &told)
	if status := command.Status("", err, &told); status != command.Failed || !strings.Contains(told.String(), "broken: it exited while starting") {
		t.Errorf("status %d: %s", status, told.String())
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	for _, args := range [][]string{{}, {"-program", "x"}, {"-program", ",x"}, {"-program", "a,b,c"}, {"-program", "a,b,=c"}, {"-program", "a,b", "more"}, {"-program", "a,b", "-rounds", "0"}} {
		if status := command.Status("", Run(t.Context(), args, io.Discard, io.Discard), io.Discard); status != command.Usage {
			t.Errorf("%q: status %d", args, status)
		}
	}
}

func TestFlashcardsAreAskedForFromTextsThatDiffer(t *testing.T) {
	notes := pairs("One.\n\nTwo.\n\nThree \"quoted\".\n\nFour.\n\nFive.\n")
	if want := []string{"One.\n\nTwo.", "Three \"quoted\".\n\nFour."}; !slices.Equal(notes, want) {
		t.Fatalf("got %q, want %q", notes, want)
	}
	for n, want := range []string{`"# Lesson 0\n\nOne.\n\nTwo."`, `"# Lesson 1\n\nThree \"quoted\".\n\nFour."`} {
		if request := string(question(int64(n), notes)); !strings.Contains(request, `"type":"flashcard_generation"`) || !strings.Contains(request, want) {
			t.Errorf("%s\nlacks %s", request, want)
		}
	}
}

func TestProcessorTimesAreReadAfterTheName(t *testing.T) {
	own, ended, err := parseTimes("7 (a) b ) S 1 2 3 4 5 6 7 8 9 10 150 50 25 75 20 0 9\n")
	if err != nil || own != 2*time.Second || ended != time.Second {
		t.Errorf("got %v and %v, %v", own, ended, err)
	}
	for _, stat := range []string{"", "7 (a) S 1 2", "7 (a) S 1 2 3 4 5 6 7 8 9 10 x 50 25 75"} {
		if _, _, err := parseTimes(stat); err == nil {
			t.Errorf("%q: no error", stat)
		}
	}
}

func TestFiguresAreForEachRequest(t *testing.T) {
	w := window{usage{service: 6 * time.Millisecond, supervisor: 2 * time.Millisecond}, load{length: 2 * time.Second, times: []time.Duration{1, 2, 3, 4}}}
	other := window{usage{service: 4 * time.Millisecond}, load{length: time.Second, times: []time.Duration{1, 2, 3, 4}}}
	if w.rate() != 2 || w.each(w.service) != 1500 || w.quantile(.5) != 3 || w.quantile(1) != 4 {
		t.Errorf("got %v, %v, %v, %v", w.rate(), w.each(w.service), w.quantile(.5), w.quantile(1))
	}
	if rate, work := ratios([]window{w}, []window{other}); rate != .5 || work != 2 {
		t.Errorf("got ratios %v and %v", rate, work)
	}
}

func TestTheModelReadsCalls(t *testing.T) {
	r := bufio.NewReader(strings.NewReader("POST /v1 HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"))
	for _, want := range [][2]string{{"POST", "{}"}, {"GET", ""}} {
		if method, body, err := readCall(r); err != nil || string(method) != want[0] || string(body) != want[1] {
			t.Errorf("got %s %q, %v", method, body, err)
		}
	}
	if _, _, err := readCall(r); err == nil {
		t.Error("no error for a length that is not a number")
	}
}
