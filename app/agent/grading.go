package agent

import (
	"cmp"
	"context"
	"time"

	"studysharper/app/agent/prompt"
	"studysharper/app/study"
)

// GradeAnswers has the model decide, in one call within JudgeTimeout, which short answers of req.UserID are right. The
// result is keyed by item and lacks the items that the model did not grade. It is a run of its own type and counts
// against the limits of req.Clients. Errors are those of Run. The built-in engine cannot grade.
func (o *Orchestrator) GradeAnswers(ctx context.Context, id string, req study.Request, answers []study.OpenAnswer) (right map[string]bool, model string, err error) {
	r := &run{id: id, req: req, began: time.Now()}
	r.req.Type = study.Grading
	defer RecoverPanic(o.deps.Log, id, &err) // catches panics of RecordExecution
	defer func() { o.deps.Store.RecordExecution(r.execution(err)) }()
	defer func() { err = classifyEnd(ctx, err) }()
	defer RecoverPanic(o.deps.Log, id, &err)
	if o.deps.Spend != nil {
		if err := o.deps.Spend(ctx, req.UserID, req.Clients); err != nil {
			return nil, "", err
		}
	}
	p, err := prompt.Grade(answers)
	if err != nil {
		return nil, "", err
	}
	p.MaxCalls = min(callsOfOneText, o.options.MaxCalls)
	within, cancel := context.WithTimeout(ctx, o.options.JudgeTimeout)
	defer cancel()
	answer, err := o.deps.Judge.Generate(within, p, nil)
	r.usage.Add(answer)
	r.model = cmp.Or(answer.Model, o.deps.Judge.Name())
	if err != nil {
		return nil, "", err
	}
	grades, ok := prompt.ReadGrades(answer.Text, len(answers))
	if !ok {
		return nil, "", study.Errorf(study.CodeUpstreamFailed, "the model's grades are malformed")
	}
	right = make(map[string]bool, len(grades))
	for i, correct := range grades {
		right[answers[i].ItemID] = correct
	}
	return right, r.model, nil
}
