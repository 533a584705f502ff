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

// byModel is the safety category of what the model holds back; its words are not ours to repeat.
const byModel = "by the model"

// verdict is what came of asking the model for one check.
type verdict struct {
	check   prompt.Check
	verdict prompt.Verdict
	model   string
	tokens  int
	err     error
}

// judgeByModel asks the model for every check that the rules made, all at once and each
// within JudgeTimeout, and puts its scores in the place of theirs. A check that it does
// not make stays the rules', and the answer says so. Chats are not judged, nor is what
// the rules hold back, nor an answer twice.
func (a *generation) judgeByModel(ctx context.Context, m *draft) {
	if !a.o.Judge || m.judged || m.unsafe != "" || a.brief.Type == study.Chat {
		return
	}
	m.judged = true
	v := &m.validation
	byRules := v.Issues
	v.Issues = nil
	for _, op := range a.askJudges(ctx, m.aid, checksOf(v)) {
		a.spent += op.tokens
		if op.err != nil {
			a.Log.Warn("model check failed", "run", a.id, "check", op.check, "error", op.err)
			m.warnings = append(m.warnings, fmt.Sprintf("the model could not check the %s; only rules did", op.check))
			m.partly = true
			continue
		}
		m.applyVerdict(op)
	}
	if m.partly {
		v.Issues = append(v.Issues, byRules...)
	}
	v.Passed = m.unsafe == "" && validate.Passed(a.brief.Type, v.Accuracy, v.QualityScore)
}

// checksOf are the checks that were made by rules.
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

// askJudges asks for all checks at once and gives them in their order.
func (a *generation) askJudges(ctx context.Context, aid study.Aid, checks []prompt.Check) []verdict {
	list := make([]verdict, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() { list[i] = a.askJudge(ctx, c, aid) })
	}
	all.Wait()
	return list
}

// askJudge asks the model for one check.
func (a *generation) askJudge(ctx context.Context, c prompt.Check, aid study.Aid) (op verdict) {
	op.check = c
	defer recoverPanic(a.Log, a.id, &op.err)
	ctx, cancel := context.WithTimeout(ctx, a.o.JudgeTimeout)
	defer cancel()
	p, err := prompt.Judge(c, aid, a.brief)
	if err != nil {
		op.err = err
		return op
	}
	answer, err := a.Model.Generate(ctx, p, nil)
	op.tokens, op.model, op.err = answer.Tokens, cmp.Or(answer.Model, a.Model.Name()), err
	if err != nil {
		return op
	}
	var ok bool
	if op.verdict, ok = prompt.ReadVerdict(answer.Text); !ok {
		op.err = study.Errorf(study.CodeUpstreamFailed, "the verdict does not read as one")
	}
	return op
}

// applyVerdict puts an opinion in the place of the rules' score.
func (m *draft) applyVerdict(op verdict) {
	v := &m.validation
	v.CheckedBy = op.model
	given := clampScore(&op.verdict.Score)
	switch op.check {
	case prompt.Safety:
		v.SafetyScore, v.Checks.Safety = given, op.model
		if op.verdict.Score < validate.SafeFrom {
			m.unsafe = byModel
		}
	case prompt.Quality:
		v.QualityScore, v.Checks.Quality = given, op.model
	case prompt.Accuracy:
		v.Accuracy, v.Checks.Accuracy = given, op.model
	}
	for _, issue := range op.verdict.Issues {
		v.Issues = append(v.Issues, string(op.check)+": "+issue)
	}
}
