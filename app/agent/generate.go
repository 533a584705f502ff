package agent

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"studysharper/app/agent/prompt"
	"studysharper/app/agent/validate"
	"studysharper/app/study"
)

const (
	checkedByRules    = "rules"
	maxReportedFaults = 3 // in the error of an unusable answer
)

// draft is an answer without anything that belongs to one student: what equal briefs share.
type draft struct {
	aid        study.Aid
	validation study.Validation
	warnings   []string
	model      string
	cut        study.Cut // why it is incomplete

	unsafe string // the safety category that it breaks; "" = it may be shown
	judged bool   // the model has checked it too,
	partly bool   // but not in every respect
}

// cutWarnings tell a student that an answer is incomplete.
var cutWarnings = map[study.Cut]string{
	study.CutLength:  "incomplete: the answer reached its length limit and may end too early",
	study.CutStopped: "incomplete: the AI service ended the answer early",
}

// generation is the work on one answer: the model is asked, its faults are sent back, and the
// best draft is taken.
type generation struct {
	task   task
	send   func(signal)
	best   *draft
	faults []string // of the last answer
	tries  int
	spent  int // tokens
}

// generate makes the answer and returns the tokens that it took, also when it failed.
func (t task) generate(ctx context.Context, send func(signal)) (d *draft, tokens int, err error) {
	g := &generation{task: t, send: send}
	if err := g.askUntilGood(ctx); err != nil {
		return nil, g.spent, err
	}
	if g.best == nil {
		reported := strings.Join(g.faults[:min(len(g.faults), maxReportedFaults)], "; ")
		return nil, g.spent, study.Errorf(study.CodeUpstreamFailed, "the model's answer could not be used: %s", reported)
	}
	g.judge(ctx, g.best)
	send(signal{step: 5})
	if g.best.unsafe != "" {
		return nil, g.spent, validate.Withheld(g.best.unsafe)
	}
	g.best.validation.Attempts = g.tries
	return g.best, g.spent, nil
}

// maxTries bounds how often the model is asked for the answer.
func (t task) maxTries() int {
	switch {
	case t.options.Deterministic:
		return 1
	case t.brief.Type == study.Chat:
		return 1 + min(t.options.Retries, 1)
	default:
		return 1 + t.options.Retries
	}
}

// askUntilGood sets best. If a correction fails, the answer from before stands.
func (g *generation) askUntilGood(ctx context.Context) error {
	first := prompt.Build(g.task.brief)
	next := first
	for g.tries < g.task.maxTries() {
		g.tries++
		answer, err := g.ask(ctx, next)
		g.spent += answer.Tokens
		if err != nil {
			if g.best != nil && ctx.Err() == nil {
				return nil
			}
			return err
		}
		g.send(signal{step: 4})
		if g.checkAnswer(ctx, answer); len(g.faults) == 0 {
			return nil
		}
		next = prompt.Correct(first, answer.Text, g.faults)
	}
	return nil
}

// ask calls the model. A watched chat is streamed through a filter that stops it when it
// turns unsafe.
func (g *generation) ask(ctx context.Context, p study.Prompt) (study.Answer, error) {
	model := g.task.deps.Model
	p.OnWait = func(d time.Duration) { g.send(signal{wait: d}) }
	if !g.task.streamed || p.JSON {
		return model.Generate(ctx, p, nil)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	filter := validate.StreamFilter{Emit: func(text string) { g.send(signal{token: text}) }, Stop: cancel}
	answer, err := model.Generate(ctx, p, filter.Write)
	if err == nil {
		filter.Flush()
	}
	if unsafe := filter.Err(); unsafe != nil {
		return answer, unsafe
	}
	return answer, err
}

// checkAnswer sets the faults of an answer, and keeps it if it is the best so far. The model
// checks only an answer in which the rules find no fault.
func (g *generation) checkAnswer(ctx context.Context, answer study.Answer) {
	b := g.task.brief
	aid, fault := prompt.Parse(b.Type, answer.Text, func(aid study.Aid) bool {
		validate.Settle(aid, b.Options)
		return len(aid.Check(b.Options)) == 0
	})
	if fault != "" {
		g.faults = []string{fault}
		return
	}
	if g.faults = aid.Check(b.Options); len(g.faults) > 0 {
		return
	}
	d := checkByRules(aid, b)
	d.model, d.cut, d.warnings = answer.Model, answer.Cut, answer.Warnings
	if warning := cutWarnings[d.cut]; warning != "" {
		d.warnings = append(d.warnings, warning)
	}
	if g.faults = append(d.faults(), d.missingItems(b)...); len(g.faults) == 0 {
		g.judge(ctx, d)
		g.faults = d.faults()
	}
	if reply, ok := aid.(*study.Reply); ok {
		reply.ContextUsed = g.task.used
		g.faults = nil // what was streamed cannot be taken back
	}
	if g.best == nil || g.best.score(b) < d.score(b) {
		g.best = d
	}
}

// checkByRules makes a draft of a well-formed aid, with the scores that the rules give it.
func checkByRules(aid study.Aid, b study.Brief) *draft {
	report := validate.Rules(aid, b)
	d := &draft{aid: aid, validation: study.Validation{
		SafetyScore: roundScore(new(1.0)), QualityScore: roundScore(report.Quality), Accuracy: roundScore(report.Accuracy),
		Passed: report.Passed, CheckedBy: checkedByRules, Checks: study.Checks{Safety: checkedByRules}, Issues: report.Issues,
	}}
	if report.Quality != nil {
		d.validation.Checks.Quality = checkedByRules
	}
	if report.Accuracy != nil {
		d.validation.Checks.Accuracy = checkedByRules
	}
	if broken := validate.Safety(aid); len(broken) > 0 {
		d.unsafe, d.validation.SafetyScore, d.validation.Passed = broken[0], new(0.0), false
	}
	return d
}

// missingItems tells the model, and by a warning the student, how many items are missing.
func (d *draft) missingItems(b study.Brief) []string {
	missing := study.Shortfall(d.aid, b.Options)
	if missing <= 0 {
		return nil
	}
	asked := study.Asked(b.Type, b.Options)
	warning := fmt.Sprintf("made %d of %d", asked-missing, asked)
	if strings.TrimSpace(b.Material) != "" {
		warning += ": the text holds no more"
	}
	d.warnings = append(d.warnings, warning)
	return []string{fmt.Sprintf("there are %d items where %d were asked for", asked-missing, asked)}
}

// faults are what the model must correct in a well-formed answer.
func (d *draft) faults() []string {
	if d.validation.Passed {
		return nil
	}
	faults := slices.Clone(d.validation.Issues)
	if d.unsafe != "" {
		faults = append(faults, "it fails the safety check ("+d.unsafe+")")
	}
	if len(faults) == 0 {
		faults = []string{"it does not meet the standard; look at every item again"}
	}
	return faults
}

// score orders drafts: first by whether they may be shown, then by whether they passed, then
// by scores and items.
func (d *draft) score(b study.Brief) float64 {
	sum := 0.0
	for _, s := range []*float64{d.validation.QualityScore, d.validation.Accuracy} {
		if s != nil {
			sum += *s
		}
	}
	if d.validation.Passed {
		sum += 10
	}
	if d.unsafe != "" {
		sum -= 100
	}
	if asked := study.Asked(b.Type, b.Options); asked > 0 {
		sum += float64(study.Items(d.aid)) / float64(asked)
	}
	return sum
}

// roundScore rounds to three places; the rules are not more precise.
func roundScore(s *float64) *float64 {
	if s == nil {
		return nil
	}
	return new(math.Round(*s*1000) / 1000)
}
