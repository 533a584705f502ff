package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"studysharper/loadtest/client"
	"studysharper/loadtest/command"
	"studysharper/loadtest/measure"
	"studysharper/loadtest/pace"
	"studysharper/loadtest/report"
)

const healthTimeout = 10 * time.Second

var errToken = errors.New("the service refuses the user's token")

// runTest runs the load test that the arguments describe.
func runTest(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parseSettings(ctx, args, stderr)
	if err != nil {
		return command.Misused(err)
	}
	return test(ctx, s, stdout, stderr)
}

// test runs one load test. Its errors have an exit status, including the error for a target that cannot be measured.
func test(ctx context.Context, s settings, stdout, stderr io.Writer) error {
	people := stdout
	if s.jsonFile == toStdout {
		people = stderr
	}
	s.announce(people)
	sampler, err := s.ready(ctx, people)
	switch {
	case errors.Is(err, measure.ErrToken) || errors.Is(err, errToken):
		return command.Misused(err)
	case err != nil:
		return command.Error{Status: command.NoHealth, Err: err}
	}
	r, err := s.load(ctx, sampler, people)
	if err != nil {
		return err
	}
	r.WriteTable(people)
	if err := s.save(r, stdout); err != nil {
		return err
	}
	if !r.Passed {
		return command.ErrMissed
	}
	return nil
}

// announce prints what is going to happen; for the original load test, in its words.
func (s *settings) announce(w io.Writer) {
	fmt.Fprintf(w, "=== Load Test ===\nTarget: %s\n", s.target.URL.Redacted())
	if s.scenario.Name != "chat" {
		fmt.Fprintf(w, "Scenario: %s\n", s.scenario.Name)
	}
	if s.plan.Requests > 0 {
		fmt.Fprintf(w, "Total requests: %d\n", s.plan.Requests)
	}
	if s.plan.Requests > 0 && s.plan.Rate == 0 && s.plan.Think == 0 {
		fmt.Fprintf(w, "Concurrent: %d\n", s.plan.Workers)
	} else {
		fmt.Fprintf(w, "Load: %s\n", s.model)
	}
	if s.plan.Duration > 0 {
		fmt.Fprintf(w, "Duration: %v\n", s.plan.Duration)
	}
	fmt.Fprintf(w, "%s\n\n", rule)
}

// ready checks that the target can be measured. The sampler is nil if the service's metrics are not to be read.
func (s *settings) ready(ctx context.Context, people io.Writer) (*measure.Sampler, error) {
	if s.unknown != nil {
		return nil, s.unknown
	}
	status, err := s.health(ctx)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(people, "Server healthy: %s\n\n", status)
	if err := s.checkToken(ctx); err != nil || s.adminToken == "" {
		return nil, err
	}
	sampler := measure.NewSampler(s.target, s.adminToken)
	_, err = sampler.Check(ctx)
	return sampler, err
}

// health requests the target's health. It returns the status, and an error unless that is "healthy".
func (s *settings) health(ctx context.Context) (string, error) {
	err := s.target.Settle(ctx)
	var a client.Answer
	if err == nil {
		a, err = s.once(ctx, "/health")
	}
	var answer struct {
		Status string `json:"status"`
	}
	if err == nil && json.Unmarshal(a.Body, &answer) != nil {
		err = client.NotJSON
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("cannot get a health answer from %s: %w", s.target.URL.Redacted(), err)
	case answer.Status != "healthy":
		return "", fmt.Errorf("%s is not healthy: its status is %.40q", s.target.URL.Redacted(), answer.Status)
	}
	return answer.Status, nil
}

// once makes one request over a new connection.
func (s *settings) once(ctx context.Context, path string) (client.Answer, error) {
	conn := client.Client{Target: s.target}
	defer conn.Close()
	return conn.Do(ctx, s.target.Request("GET", path, nil, client.Options{Close: true}), min(s.options.Timeout, healthTimeout))
}

// checkToken requests something that only users may see.
func (s *settings) checkToken(ctx context.Context) error {
	if s.target.Token == "" {
		return nil
	}
	a, err := s.once(ctx, "/api/ai/sessions?limit=1")
	if a.Status == 401 || a.Status == 403 {
		return errToken
	}
	return err
}

// load generates the load and returns the report.
func (s *settings) load(ctx context.Context, sampler *measure.Sampler, people io.Writer) (*report.Report, error) {
	sheet := measure.NewSheet()
	o := s.options
	o.Target, o.Sheet = s.target, sheet
	play, err := s.scenario.New(o)
	if err != nil {
		return nil, err
	}
	fmt.Fprint(people, "Starting load test...\n\n")
	beside, done := context.WithCancel(context.WithoutCancel(ctx)) // the sampler and the display outlive the load by one reading
	defer done()
	var all sync.WaitGroup
	if sampler != nil {
		all.Go(func() { sampler.Run(beside, sheet.Began()) })
	}
	show := newLive(people, s.plan, s.scenario.Holds, sheet, sampler)
	all.Go(func() { show.run(beside) })
	kept, err := play(ctx, s.plan)
	result := sheet.Result()
	done()
	all.Wait()
	if err != nil {
		return nil, err
	}
	return s.sum(ctx, kept, result, sampler, sheet.Began()), nil
}

func (s *settings) sum(ctx context.Context, kept pace.Pace, m measure.Result, sampler *measure.Sampler, began time.Time) *report.Report {
	var samples []measure.Sample
	unread := 0
	if sampler != nil {
		samples, unread = sampler.Samples()
	}
	return report.New(report.Run{Target: s.target.URL.Redacted(), Scenario: s.scenario.Name, Model: s.model, Began: began,
		Interrupted: ctx.Err() != nil, Late: kept.Late, Goals: s.goals}, m, samples, unread)
}

// save writes the report as JSON, if requested.
func (s *settings) save(r *report.Report, stdout io.Writer) error {
	switch s.jsonFile {
	case "":
		return nil
	case toStdout:
		return r.WriteJSON(stdout)
	}
	f, err := os.Create(s.jsonFile)
	if err != nil {
		return err
	}
	return errors.Join(r.WriteJSON(f), f.Close())
}
