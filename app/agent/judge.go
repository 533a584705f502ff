package agent

import (
	"cmp"
	"context"
	"math"

	"studysharper/app/agent/prompt"
	"studysharper/app/agent/validate"
	"studysharper/app/study"
)

// The values of Options.Judge.
const (
	JudgeOff   = "off"
	JudgeRules = "rules"
	JudgeModel = "model"
)

// byModel is the safety category of an answer that the model finds unsafe; the model's own words are not shown.
const byModel = "by the model"

// judge has a model score a draft, in one call within JudgeTimeout, and returns what a correction must avoid. If the
// call fails, the result of the rules applies, with a warning. Chats are not judged. Neither are answers that the rules
// find unsafe; they are withheld.
func (g *generation) judge(ctx context.Context, d *draft) []string {
	t := g.task
	if t.options.Judge != JudgeModel || t.options.Deterministic || t.brief.Type == study.Chat || d.unsafe != "" {
		return nil
	}
	verdict, by, err := g.askJudge(ctx, d.aid)
	if err != nil {
		t.deps.Log.Warn("model check failed", "run", t.runID, "error", err)
		d.warnings = append(d.warnings, "the model could not check the answer; only rules did")
		d.partly = true
		return nil
	}
	d.apply(verdict, by, t.brief)
	switch {
	case d.validation.Passed || d.unsafe != "":
		return nil
	case len(verdict.Issues) > 0:
		return verdict.Issues
	default:
		return []string{"it does not meet the standard; look at every item again"}
	}
}

// askJudge requests a verdict; by is the model that gave it.
func (g *generation) askJudge(ctx context.Context, aid study.Aid) (v prompt.Verdict, by string, err error) {
	t := g.task
	defer RecoverPanic(t.deps.Log, t.runID, &err)
	ctx, cancel := context.WithTimeout(ctx, t.options.JudgeTimeout)
	defer cancel()
	p, err := prompt.Judge(aid, t.brief)
	if err != nil {
		return v, "", err
	}
	if p.MaxCalls = g.callsLeft(); p.MaxCalls <= 0 {
		return v, "", study.Errorf(study.CodeUpstreamFailed, "no call of the model is left for the check")
	}
	g.asks++
	answer, err := t.deps.Judge.Generate(ctx, p, nil)
	g.usage.Add(answer)
	if err != nil {
		return v, "", err
	}
	v, ok := prompt.ReadVerdict(answer.Text)
	if !ok {
		return v, "", study.Errorf(study.CodeUpstreamFailed, "the verdict is malformed")
	}
	return v, cmp.Or(answer.Model, t.deps.Judge.Name()), nil
}

// apply copies the scores that the type needs. If one is missing, the draft counts as only partly checked.
func (d *draft) apply(said prompt.Verdict, by string, b study.Brief) {
	v := &d.validation
	v.CheckedBy = by
	accuracy, quality := validate.Scored(b)
	take := func(wanted bool, score *float64, into **float64, checker *string) {
		switch {
		case wanted && score != nil:
			*into, *checker = new(math.Round(*score*1000)/1000), by
		case wanted:
			d.partly = true
		}
	}
	take(true, said.Safety, &v.SafetyScore, &v.Checks.Safety)
	take(quality, said.Quality, &v.QualityScore, &v.Checks.Quality)
	take(accuracy, said.Accuracy, &v.Accuracy, &v.Checks.Accuracy)
	if said.Safety != nil && *said.Safety < validate.SafeFrom {
		d.unsafe = byModel
	}
	v.Passed = d.unsafe == "" && validate.Passed(b.Type, v.Accuracy, v.QualityScore)
	v.Issues = append(v.Issues, said.Issues...)
}
