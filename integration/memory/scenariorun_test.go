package memory

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"studysharper/integration/harness"
	raw "studysharper/loadtest/client"
	sheets "studysharper/loadtest/measure"
	"studysharper/loadtest/pace"
	"studysharper/loadtest/scenario"
)

const trialTimeout = time.Minute // for one request: of eight long ones, the last waits for seven, on a busy machine

// scenarioRun is a running memory scenario.
type scenarioRun struct {
	*testing.T
	scenario memoryScenario
	h        *harness.Instance
	target   *raw.Target
	began    time.Time // start of the curve
	last     harness.Reading
	row      harness.ScenarioRow
}

func newTrial(t *testing.T, s memoryScenario, h *harness.Instance) *scenarioRun {
	t.Helper()
	target, err := raw.ParseTarget(h.URL)
	if err == nil {
		err = target.Resolve(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return &scenarioRun{T: t, scenario: s, h: h, target: target}
}

// drive applies one of the load tool's loads to the container.
func (r *scenarioRun) drive(name string, plan pace.Plan) sheets.Result {
	r.Helper()
	sheet := sheets.NewSheet()
	entry, err := scenario.Find(name)
	if err != nil {
		r.Fatal(err)
	}
	load, err := entry.New(scenario.Options{Target: r.target, Sheet: sheet, Timeout: trialTimeout})
	if err == nil {
		_, err = load(r.Context(), plan)
	}
	if err != nil {
		r.Fatal(err)
	}
	return r.took(sheet)
}

// ask makes the test's own requests. Nothing is retried, and only 200 and 201 count as answers.
func (r *scenarioRun) ask(plan pace.Plan, request func(n int64) raw.Request) sheets.Result {
	r.Helper()
	sheet := sheets.NewSheet()
	hire := func() pace.Worker { return &requester{raw.Client{Target: r.target}, sheet, request} }
	if _, err := plan.Run(r.Context(), hire); err != nil {
		r.Fatal(err)
	}
	return r.took(sheet)
}

// note adds a figure to the report.
func (r *scenarioRun) note(format string, args ...any) {
	r.row.Notes = append(r.row.Notes, fmt.Sprintf(format, args...))
}

// took records the outcome of requests.
func (r *scenarioRun) took(sheet *sheets.Sheet) sheets.Result {
	r.Helper()
	result := sheet.Result()
	if result.All() == 0 {
		r.Error("no request was made")
	}
	r.row.Requests += result.All()
	r.row.Failed += result.Failed
	for kind, n := range result.Failures {
		if r.row.Failures == nil {
			r.row.Failures = map[string]int64{}
		}
		r.row.Failures[kind] += n
	}
	r.row.Latency = &result.Latency
	r.row.Ladder = result.Ladder
	return result
}

// requester is a client with one connection.
type requester struct {
	conn    raw.Client
	sheet   *sheets.Sheet
	request func(n int64) raw.Request
}

func (r *requester) Once(ctx context.Context, n int64, due time.Time) {
	answer, err := r.conn.Do(ctx, r.request(n), trialTimeout)
	if answer.Status == http.StatusCreated {
		err = nil
	}
	r.sheet.Add(sheets.Outcome{Took: time.Since(due), Kind: string(raw.KindOf(err))})
}

func (r *requester) Close() { r.conn.Close() }

// recycled returns the times at which workers were replaced, according to the service's log, in seconds of the curve.
func (r *scenarioRun) recycled() (at []float64) {
	r.Helper()
	for line := range strings.Lines(r.h.Log(r.T)) {
		if when, ok := recycleTime(line); ok {
			at = append(at, max(0, when.Sub(r.began).Seconds()))
		}
	}
	return at
}

// recycleTime returns when a line of the log was written, if it reports a recycle.
func recycleTime(line string) (time.Time, bool) {
	if !strings.Contains(line, `msg="Worker recycling (pid: `) {
		return time.Time{}, false
	}
	_, rest, _ := strings.Cut(line, "time=")
	word, _, _ := strings.Cut(rest, " ")
	when, err := time.Parse(time.RFC3339Nano, word)
	return when, err == nil
}

func TestARecycleIsReadFromTheLog(t *testing.T) {
	line := `time=2026-11-25T01:54:37.157Z level=INFO msg="Worker recycling (pid: 14) reason=max_requests" slot=0 age=1s`
	when, ok := recycleTime(line)
	if want := time.Date(2026, 11, 25, 1, 54, 37, 157e6, time.UTC); !ok || !when.Equal(want) {
		t.Errorf("%v, %v; want %v", when, ok, want)
	}
	for _, other := range []string{"", strings.Replace(line, "recycling", "exiting", 1), strings.Replace(line, "2026", "soon", 1)} {
		if _, ok := recycleTime(other); ok {
			t.Errorf("%q is taken for a recycle", other)
		}
	}
}
