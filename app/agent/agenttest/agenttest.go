// Package agenttest contains fakes and sample answers for tests of the agents: a model, a cache and a store in memory.
// It does not import package agent, so that tests inside that package can use it.
package agenttest

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"studysharper/app/study"
)

// The user, session and source text of Asking.
const (
	Alice     = "alice"
	SessionID = "01920000-0000-7000-8000-000000000001"
	Source    = `Mitosis is the division of a cell nucleus into two identical nuclei. In prophase the chromosomes condense.
In metaphase the chromosomes line up at the equator. In anaphase the chromatids separate. In telophase new membranes form.`
)

// Fakes are the dependencies of an agent.Orchestrator.
type Fakes struct {
	Model *Model
	Cache *Cache
	Store *Store
	Log   *Log
}

// NewFakes returns empty fakes that use m as the model.
func NewFakes(m *Model) *Fakes {
	return &Fakes{Model: m, Log: &Log{}, Cache: &Cache{Entries: make(map[string][]byte)},
		Store: &Store{Sessions: make(map[string]study.Session), Talks: make(map[string][]study.Message)}}
}

// Model returns the answers of its function; call numbers start at 1.
type Model struct {
	Answer func(ctx context.Context, call int, p study.Prompt, onText func(string)) (study.Answer, error)

	mu      sync.Mutex
	Prompts []study.Prompt
}

// Name implements agent.Model.
func (m *Model) Name() string { return "fake" }

// Generate implements agent.Model.
func (m *Model) Generate(ctx context.Context, p study.Prompt, onText func(string)) (study.Answer, error) {
	m.mu.Lock()
	m.Prompts = append(m.Prompts, p)
	call := len(m.Prompts)
	m.mu.Unlock()
	return m.Answer(ctx, call, p, onText)
}

// Calls returns how often the model was called.
func (m *Model) Calls() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.Prompts)
}

// Says returns a model that gives these texts in turn and repeats the last one. Each answer counts 10 tokens.
func Says(texts ...string) *Model {
	return &Model{Answer: func(_ context.Context, call int, _ study.Prompt, onText func(string)) (study.Answer, error) {
		text := texts[min(call, len(texts))-1]
		if onText != nil {
			for piece := range strings.SplitAfterSeq(text, " ") {
				onText(piece)
			}
		}
		return study.Answer{Text: text, Model: "fake-1", Tokens: 10}, nil
	}}
}

// Hangs returns a model that blocks until its context ends.
func Hangs() *Model {
	return &Model{Answer: func(ctx context.Context, _ int, _ study.Prompt, _ func(string)) (study.Answer, error) {
		<-ctx.Done()
		return study.Answer{}, study.Wrap(ctx.Err(), study.CodeUpstreamTimeout, "the model is silent")
	}}
}

// Gated returns a model that answers once open is called.
func Gated(text string) (m *Model, open func()) {
	gate := make(chan struct{})
	m = &Model{Answer: func(ctx context.Context, _ int, _ study.Prompt, onText func(string)) (study.Answer, error) {
		if onText != nil {
			onText("Mitosis ")
		}
		select {
		case <-gate:
		case <-ctx.Done():
			return study.Answer{}, study.Wrap(ctx.Err(), study.CodeUnavailable, "cancelled")
		}
		if onText != nil {
			onText(strings.TrimPrefix(text, "Mitosis "))
		}
		return study.Answer{Text: text, Model: "fake-1", Tokens: 10}, nil
	}}
	return m, sync.OnceFunc(func() { close(gate) })
}

// Cache is an unbounded cache.
type Cache struct {
	mu      sync.Mutex
	Entries map[string][]byte
	Gets    int
	Panics  bool
}

// Get implements agent.Cache; every entry is 3 s old.
func (c *Cache) Get(_ context.Context, key string) ([]byte, time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Panics {
		panic("SECRET cache")
	}
	c.Gets++
	value, ok := c.Entries[key]
	return value, 3 * time.Second, ok
}

// Set implements agent.Cache.
func (c *Cache) Set(_ context.Context, key string, value []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Entries[key] = value
}

// Keys returns the keys of all entries, sorted.
func (c *Cache) Keys() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.Entries))
}

// Log is a log that can be read while it is being written.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Logger returns a logger that writes to l.
func (l *Log) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String returns everything that was logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// CheckSteps fails unless the six steps were reported once each, in order, with rising
// percentages up to 100 and times in UTC.
func CheckSteps(t testing.TB, list []study.Progress) {
	t.Helper()
	if len(list) != study.TotalSteps {
		t.Fatalf("%d progress events, want %d: %+v", len(list), study.TotalSteps, list)
	}
	last := 0
	for i, p := range list {
		at, err := time.Parse(time.RFC3339, p.Timestamp)
		if p.Step != i+1 || p.TotalSteps != study.TotalSteps || p.Percentage <= last || p.CurrentAgent == "" || p.Message == "" ||
			err != nil || at.Location() != time.UTC {
			t.Errorf("step %d: %+v, %v", i+1, p, err)
		}
		last = p.Percentage
	}
	if last != 100 {
		t.Errorf("the last step is at %d percent", last)
	}
}

// FailsWith checks the code of err and that it contains none of the words.
func FailsWith(t testing.TB, err error, code study.Code, never ...string) *study.Error {
	t.Helper()
	e := study.AsError(err)
	if err == nil || e.Code != code {
		t.Fatalf("got error %v, want code %s", err, code)
	}
	for _, word := range never {
		if strings.Contains(err.Error(), word) {
			t.Errorf("the error contains %q: %v", word, err)
		}
	}
	return e
}
