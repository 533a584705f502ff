package agent

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"studysharper/app/agent/prompt"
	"studysharper/app/agent/validate"
	"studysharper/app/study"
)

// byModel is the safety category of what the model finds unsafe; its own words are not shown.
const byModel = "by the model"

// verdict is the outcome of one check by the model.
type verdict struct {
	check   prompt.Check
	verdict prompt.Verdict
	model   string
	tokens  int
	err     error
}

// judge asks the model for every check that the rules made, in parallel and each within
// JudgeTimeout, and replaces the rules' scores by its own. If a check fails to run, the rules'
// result stands, and a warning says so. Chats are not judged, nor drafts that the rules find
// unsafe, nor a draft twice.
func (g *generation) judge(ctx context.Context, d *draft) {
	if !g.task.options.Judge || d.judged || d.unsafe != "" || g.task.brief.Type == study.Chat {
		return
	}
	d.judged = true
	v := &d.validation
	byRules := v.Issues
	v.Issues = nil
	for _, said := range g.task.askJudges(ctx, d.aid, checksOf(v)) {
		g.spent += said.tokens
		if said.err != nil {
			g.task.deps.Log.Warn("model check failed", "run", g.task.runID, "check", said.check, "error", said.err)
			d.warnings = append(d.warnings, fmt.Sprintf("the model could not check the %s; only rules did", said.check))
			d.partly = true
			continue
		}
		d.apply(said)
	}
	if d.partly {
		v.Issues = append(v.Issues, byRules...)
	}
	v.Passed = d.unsafe == "" && validate.Passed(g.task.brief.Type, v.Accuracy, v.QualityScore)
}

// checksOf are the checks that the rules made.
func checksOf(v *study.Validation) []prompt.Check {
	checks := []prompt.Check{prompt.Safety}
	if v.QualityScore != nil {
		checks = append(checks, prompt.Quality)
	}
	if v.Accuracy != nil {
		checks = append(checks, prompt.Accuracy)
	}
	return checks
}

// askJudges asks for all checks in parallel and returns the verdicts in the same order.
func (t task) askJudges(ctx context.Context, aid study.Aid, checks []prompt.Check) []verdict {
	list := make([]verdict, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() { list[i] = t.askJudge(ctx, c, aid) })
	}
	all.Wait()
	return list
}

// askJudge asks the model for one check.
func (t task) askJudge(ctx context.Context, c prompt.Check, aid study.Aid) (said verdict) {
	said.check = c
	defer RecoverPanic(t.deps.Log, t.runID, &said.err)
	ctx, cancel := context.WithTimeout(ctx, t.options.JudgeTimeout)
	defer cancel()
	p, err := prompt.Judge(c, aid, t.brief)
	if err != nil {
		said.err = err
		return said
	}
	answer, err := t.deps.Model.Generate(ctx, p, nil)
	said.tokens, said.model, said.err = answer.Tokens, cmp.Or(answer.Model, t.deps.Model.Name()), err
	if err != nil {
		return said
	}
	var ok bool
	if said.verdict, ok = prompt.ReadVerdict(answer.Text); !ok {
		said.err = study.Errorf(study.CodeUpstreamFailed, "the verdict is malformed")
	}
	return said
}

// apply replaces the rules' score by the model's.
func (d *draft) apply(said verdict) {
	v := &d.validation
	v.CheckedBy = said.model
	score := roundScore(&said.verdict.Score)
	switch said.check {
	case prompt.Safety:
		v.SafetyScore, v.Checks.Safety = score, said.model
		if said.verdict.Score < validate.SafeFrom {
			d.unsafe = byModel
		}
	case prompt.Quality:
		v.QualityScore, v.Checks.Quality = score, said.model
	case prompt.Accuracy:
		v.Accuracy, v.Checks.Accuracy = score, said.model
	}
	for _, issue := range said.verdict.Issues {
		v.Issues = append(v.Issues, string(said.check)+": "+issue)
	}
}
