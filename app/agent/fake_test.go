package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"studysharper/app/study"
)

const (
	alice     = "alice"
	sessionID = "01920000-0000-7000-8000-000000000001"
	source    = `Mitosis is the division of a cell nucleus into two identical nuclei. In prophase the chromosomes condense.
In metaphase the chromosomes line up at the equator. In anaphase the chromatids separate. In telophase new membranes form.`
)

// model answers what its function says; the call number counts from 1.
type model struct {
	answer func(ctx context.Context, call int, p study.Prompt, onText func(string)) (study.Answer, error)

	mu      sync.Mutex
	prompts []study.Prompt
}

func (m *model) Name() string { return "fake" }

func (m *model) Generate(ctx context.Context, p study.Prompt, onText func(string)) (study.Answer, error) {
	m.mu.Lock()
	m.prompts = append(m.prompts, p)
	call := len(m.prompts)
	m.mu.Unlock()
	return m.answer(ctx, call, p, onText)
}

func (m *model) calls() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.prompts)
}

// says is a model that gives these texts in turn, the last one for ever, for 10 tokens each.
func says(texts ...string) *model {
	return &model{answer: func(_ context.Context, call int, _ study.Prompt, onText func(string)) (study.Answer, error) {
		text := texts[min(call, len(texts))-1]
		if onText != nil {
			for piece := range strings.SplitAfterSeq(text, " ") {
				onText(piece)
			}
		}
		return study.Answer{Text: text, Model: "fake-1", Tokens: 10}, nil
	}}
}

// hangs is a model that waits for its context.
func hangs() *model {
	return &model{answer: func(ctx context.Context, _ int, _ study.Prompt, _ func(string)) (study.Answer, error) {
		<-ctx.Done()
		return study.Answer{}, study.Wrap(ctx.Err(), study.CodeUpstreamTimeout, "the model is silent")
	}}
}

// cacheMap is a Cache without bounds.
type cacheMap struct {
	mu      sync.Mutex
	entries map[string][]byte
	gets    int
	panics  bool
}

func (c *cacheMap) Get(_ context.Context, key string) ([]byte, time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.panics {
		panic("SECRET cache")
	}
	c.gets++
	value, ok := c.entries[key]
	return value, 3 * time.Second, ok
}

func (c *cacheMap) Set(_ context.Context, key string, value []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[key] = value
}

func (c *cacheMap) keys() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.entries))
}

// shelf is a Store in memory. fail, if set, says which method fails how.
type shelf struct {
	fail func(method string) error

	preferences map[string]study.Preferences
	stats       map[study.Type]int

	mu         sync.Mutex
	sessions   map[string]study.Session
	messages   map[string][]study.Message
	notes      []study.Note
	searches   []string
	contents   []study.Content
	executions []study.Execution
}

func (s *shelf) enter(method string) error {
	if s.fail == nil {
		return nil
	}
	return s.fail(method)
}

func (s *shelf) Session(_ context.Context, id string) (study.Session, error) {
	if err := s.enter("Session"); err != nil {
		return study.Session{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.sessions[id]; ok {
		return v, nil
	}
	return study.Session{}, study.Errorf(study.CodeNotFound, "no such session")
}

func (s *shelf) Messages(_ context.Context, id string, limit int) ([]study.Message, error) {
	if err := s.enter("Messages"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.messages[id]
	return slices.Clone(all[max(0, len(all)-limit):]), nil
}

func (s *shelf) NotesByID(_ context.Context, user string, ids []string) ([]study.Note, error) {
	if err := s.enter("NotesByID"); err != nil {
		return nil, err
	}
	var found []study.Note
	for _, id := range ids {
		i := slices.IndexFunc(s.notes, func(n study.Note) bool { return n.ID == id && n.UserID == user })
		if i < 0 {
			return nil, study.Errorf(study.CodeNotFound, "there is no note %s", id)
		}
		found = append(found, s.notes[i])
	}
	return found, nil
}

func (s *shelf) SearchNotes(_ context.Context, user, words string, limit int) ([]study.Note, error) {
	if err := s.enter("SearchNotes"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.searches = append(s.searches, words)
	var found []study.Note
	for _, n := range s.notes {
		if n.UserID == user && len(found) < limit {
			found = append(found, n)
		}
	}
	return found, nil
}

func (s *shelf) Preferences(_ context.Context, user string) (study.Preferences, error) {
	if err := s.enter("Preferences"); err != nil {
		return study.Preferences{}, err
	}
	return s.preferences[user], nil
}

func (s *shelf) ContentStats(context.Context, string) (map[study.Type]int, error) {
	if err := s.enter("ContentStats"); err != nil {
		return nil, err
	}
	return s.stats, nil
}

func (s *shelf) AppendMessages(ctx context.Context, v study.Session, msgs ...study.Message) error {
	if err := s.enter("AppendMessages"); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return study.Wrap(ctx.Err(), study.CodeTimeout, "too late")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[v.ID] = v
	s.messages[v.ID] = append(s.messages[v.ID], msgs...)
	return nil
}

func (s *shelf) SaveContent(_ context.Context, c study.Content) (study.Content, error) {
	if err := s.enter("SaveContent"); err != nil {
		return c, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, kept := range s.contents {
		if kept.UserID == c.UserID && kept.Answer == c.Answer {
			return kept, nil
		}
	}
	c.ID = fmt.Sprintf("content-%d", len(s.contents)+1)
	s.contents = append(s.contents, c)
	return c, nil
}

func (s *shelf) RecordExecution(e study.Execution) {
	if err := s.enter("RecordExecution"); err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.executions = append(s.executions, e)
}

// bench is an Orchestrator between fakes.
type bench struct {
	*Orchestrator
	model *model
	cache *cacheMap
	store *shelf
	log   *logged
}

// logged is a log that can be read while it is written.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func newBench(m *model, o Options) *bench {
	b := &bench{model: m, log: &logged{}, cache: &cacheMap{entries: make(map[string][]byte)},
		store: &shelf{sessions: make(map[string]study.Session), messages: make(map[string][]study.Message)}}
	b.Orchestrator = New(Deps{Model: m, Cache: b.cache, Store: b.store, Log: slog.New(slog.NewTextHandler(b.log, nil))}, o)
	return b
}

// watched gathers what emit is given.
type watched struct {
	events []study.Event
}

func (w *watched) emit(e study.Event) { w.events = append(w.events, e) }

func (w *watched) progress(t testing.TB) []study.Progress {
	t.Helper()
	var list []study.Progress
	for _, e := range w.events {
		var fields struct{ Data study.Progress }
		if e.Kind != study.KindProgress {
			continue
		}
		if err := json.Unmarshal(e.Fields, &fields); err != nil {
			t.Fatal(err)
		}
		list = append(list, fields.Data)
	}
	return list
}

func (w *watched) tokens(t testing.TB) []string {
	t.Helper()
	var list []string
	for _, e := range w.events {
		var fields struct{ Text string }
		if e.Kind != study.KindToken {
			continue
		}
		if err := json.Unmarshal(e.Fields, &fields); err != nil {
			t.Fatal(err)
		}
		list = append(list, fields.Text)
	}
	return list
}

// checkSteps fails unless the six steps were told once each, in order, with rising
// percentages up to 100 and times in UTC.
func checkSteps(t testing.TB, list []study.Progress) {
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

// asking is a request of a type with source text.
func asking(typ study.Type) study.Request {
	return study.Request{Type: typ, UserID: alice, SessionID: sessionID, Message: "Help me learn this.",
		Options: study.Options{Content: source, Count: 2, QuestionCount: 2, Sections: 1}}
}

// cardSet is a good answer of n flashcards, borne out by source.
func cardSet(n int) string {
	answers := []string{"the division of a cell nucleus", "the chromosomes condense", "the chromosomes line up at the equator",
		"the chromatids separate", "new membranes form"}
	s := &study.FlashcardSet{}
	for i := range n {
		s.Flashcards = append(s.Flashcards, study.Flashcard{Question: fmt.Sprintf("Question %d?", i),
			Answer: answers[i%len(answers)], Topic: "mitosis", Difficulty: study.Easy})
	}
	return asJSON(s)
}

func asJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// goodAnswer is what a model should answer to asking(typ).
func goodAnswer(typ study.Type) string {
	questions := []study.Question{
		{Type: study.MultipleChoice, Question: "What separates in anaphase?", Options: []string{"chromatids", "membranes", "nuclei", "cells"},
			CorrectAnswer: "chromatids", Points: 50},
		{Type: study.ShortAnswer, Question: "What forms in telophase?", AcceptableAnswers: []string{"new membranes"},
			SampleAnswer: "new membranes", Rubric: "names the membranes", Points: 50},
	}
	switch typ {
	case study.Flashcards:
		return cardSet(2)
	case study.Quiz:
		return asJSON(&study.QuizSet{Quiz: study.QuizBody{Title: "Mitosis", Questions: questions}})
	case study.Exam:
		return asJSON(&study.ExamSet{Exam: study.ExamBody{Title: "Mitosis", DurationMinutes: 60, TotalPoints: 100, Sections: []study.ExamSection{
			{SectionName: "A", Instructions: "Answer.", TimeEstimateMinutes: 60, Questions: questions}}}})
	case study.Summary:
		return asJSON(&study.SummarySet{Summary: study.SummaryBody{Title: "Mitosis", Text: "Mitosis divides a nucleus.",
			MainPoints: []study.MainPoint{{Point: "Mitosis is the division of a cell nucleus.", Details: "The chromatids separate.", Importance: "high"}}}})
	case study.Analysis:
		return asJSON(&study.AnalysisSet{Analysis: study.AnalysisBody{Strengths: []string{"names the phases"},
			KeyConcepts: []string{"mitosis"}, Suggestions: []string{"add a drawing"}}})
	case study.Plan:
		return asJSON(&study.PlanSet{Plan: study.PlanBody{Title: "Mitosis in two days", Sessions: []study.PlanSession{
			{Day: 1, Topic: "prophase", Activities: []string{"read"}, Minutes: 30}, {Day: 2, Topic: "anaphase", Activities: []string{"draw"}, Minutes: 30}}}})
	default:
		return "Mitosis is the division of a nucleus."
	}
}

// failsWith checks the code of err and that it holds none of the words.
func failsWith(t testing.TB, err error, code study.Code, never ...string) *study.Error {
	t.Helper()
	e := study.AsError(err)
	if err == nil || e.Code != code {
		t.Fatalf("got error %v, want code %s", err, code)
	}
	for _, word := range never {
		if strings.Contains(err.Error(), word) {
			t.Errorf("the error holds %q: %v", word, err)
		}
	}
	return e
}
