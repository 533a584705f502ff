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
	checkedByRules = "rules"
	maxFaultsTold  = 3 // in the error of an unusable answer
)

// draft is an answer without anything that is the student's own: what equal briefs
// share.
type draft struct {
	aid        study.Aid
	validation study.Validation
	warnings   []string
	model      string
	cut        study.Cut // the model did not finish it

	unsafe string // what it must not be shown for; "" = it may
	judged bool   // by the model too,
	partly bool   // but not in every respect
}

// cutWarnings tell a student that an answer is not whole.
var cutWarnings = map[study.Cut]string{
	study.CutLength:  "incomplete: the answer reached its length limit and may end too early",
	study.CutStopped: "incomplete: the AI service ended the answer early",
}

// hooks are told how an answer comes along; token may be nil.
type hooks struct {
	step  func(int)
	wait  func(time.Duration) // the AI service asks for it
	token func(string)
}

// generation is the work on one answer: the model is asked, what is wrong is sent
// back, and the best that came is taken.
type generation struct {
	*run
	hooks hooks
	first study.Prompt
	best  *draft
	wrong []string // with the last answer
	tries int
	spent int // tokens
}

// generate produces the answer to the run's brief, and says how many tokens that took,
// also when it failed. It reads nothing of the run that changes, for it may outlive it.
func (r *run) generate(ctx context.Context, h hooks) (m *draft, tokens int, err error) {
	a := &generation{run: r, hooks: h, first: prompt.Build(r.brief)}
	if err := a.askUntilGood(ctx); err != nil {
		return nil, a.spent, err
	}
	if a.best == nil {
		told := strings.Join(a.wrong[:min(len(a.wrong), maxFaultsTold)], "; ")
		return nil, a.spent, study.Errorf(study.CodeUpstreamFailed, "the model's answer could not be used: %s", told)
	}
	a.judgeByModel(ctx, a.best)
	h.step(5)
	if a.best.unsafe != "" {
		return nil, a.spent, withheld(a.best.unsafe)
	}
	a.best.validation.Attempts = a.tries
	return a.best, a.spent, nil
}

// maxTries is how often the model is asked at most.
func (a *generation) maxTries() int {
	switch {
	case a.o.Deterministic:
		return 1
	case a.brief.Type == study.Chat:
		return 1 + min(a.o.Retries, 1)
	default:
		return 1 + a.o.Retries
	}
}

// askUntilGood fills best. A failing correction is not a loss when an answer is there.
func (a *generation) askUntilGood(ctx context.Context) error {
	next := a.first
	for a.tries < a.maxTries() {
		a.tries++
		answer, err := a.ask(ctx, next)
		a.spent += answer.Tokens
		if err != nil {
			if a.best != nil && ctx.Err() == nil {
				return nil
			}
			return err
		}
		a.hooks.step(4)
		if a.checkAnswer(ctx, answer); len(a.wrong) == 0 {
			return nil
		}
		next = prompt.Correct(a.first, answer.Text, a.wrong)
	}
	return nil
}

// ask calls the model; a chat that somebody watches is streamed, through a guard
// that stops it where it turns unsafe.
func (a *generation) ask(ctx context.Context, p study.Prompt) (study.Answer, error) {
	p.OnWait = a.hooks.wait
	if a.hooks.token == nil || p.JSON {
		return a.Model.Generate(ctx, p, nil)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	g := &safetyFilter{say: a.hooks.token, stop: cancel}
	answer, err := a.Model.Generate(ctx, p, g.add)
	if err == nil {
		g.flush()
	}
	if g.broken != "" {
		return answer, withheld(g.broken)
	}
	return answer, err
}

// checkAnswer keeps the answer if it is the best so far, and sets what is wrong with it. The
// model is consulted only about one with which the rules find nothing wrong.
func (a *generation) checkAnswer(ctx context.Context, answer study.Answer) {
	aid, fault := prompt.Parse(a.brief.Type, answer.Text, func(aid study.Aid) bool {
		validate.Settle(aid, a.brief.Options)
		return len(aid.Check(a.brief.Options)) == 0
	})
	if fault != "" {
		a.wrong = []string{fault}
		return
	}
	if a.wrong = aid.Check(a.brief.Options); len(a.wrong) > 0 {
		return
	}
	m := a.checkByRules(aid)
	m.model, m.cut = answer.Model, answer.Cut
	if said := cutWarnings[m.cut]; said != "" {
		m.warnings = append(m.warnings, said)
	}
	if a.wrong = append(m.allFaults(), a.missingItems(m)...); len(a.wrong) == 0 {
		a.judgeByModel(ctx, m)
		a.wrong = m.allFaults()
	}
	if reply, ok := aid.(*study.Reply); ok {
		reply.ContextUsed = study.ContextUsed{Notes: a.known.notes, Messages: len(a.known.history), Content: a.known.content}
		a.wrong = nil // what was said cannot be taken back
	}
	if a.best == nil || a.best.score(a.brief) < m.score(a.brief) {
		a.best = m
	}
}

// checkByRules is an aid of good shape with the scores that the rules give it.
func (a *generation) checkByRules(aid study.Aid) *draft {
	report := validate.Rules(aid, a.brief)
	m := &draft{aid: aid, validation: study.Validation{
		SafetyScore: clampScore(new(1.0)), QualityScore: clampScore(report.Quality), Accuracy: clampScore(report.Accuracy),
		Passed: report.Passed, CheckedBy: checkedByRules, Checks: study.Checks{Safety: checkedByRules}, Issues: report.Issues,
	}}
	if report.Quality != nil {
		m.validation.Checks.Quality = checkedByRules
	}
	if report.Accuracy != nil {
		m.validation.Checks.Accuracy = checkedByRules
	}
	if broken := validate.Safety(aid); len(broken) > 0 {
		m.unsafe, m.validation.SafetyScore, m.validation.Passed = broken[0], new(0.0), false
	}
	return m
}

// missingItems says how many items there are too few, to the model and to the student.
func (a *generation) missingItems(m *draft) []string {
	missing := study.Shortfall(m.aid, a.brief.Options)
	if missing <= 0 {
		return nil
	}
	asked := study.Asked(a.brief.Type, a.brief.Options)
	told := fmt.Sprintf("made %d of %d", asked-missing, asked)
	if strings.TrimSpace(a.brief.Material) != "" {
		told += ": the text holds no more"
	}
	m.warnings = append(m.warnings, told)
	return []string{fmt.Sprintf("there are %d items where %d were asked for", asked-missing, asked)}
}

// allFaults are what a model is told to put right in an answer of good shape.
func (m *draft) allFaults() []string {
	if m.validation.Passed {
		return nil
	}
	faults := slices.Clone(m.validation.Issues)
	if m.unsafe != "" {
		faults = append(faults, "the safety check does not let it pass ("+m.unsafe+")")
	}
	if len(faults) == 0 {
		faults = []string{"it does not meet the standard; look at every item again"}
	}
	return faults
}

// score orders answers: first whether it may be shown, then whether it passed, then its scores, then its items.
func (m *draft) score(b study.Brief) float64 {
	sum := 0.0
	for _, s := range []*float64{m.validation.QualityScore, m.validation.Accuracy} {
		if s != nil {
			sum += *s
		}
	}
	if m.validation.Passed {
		sum += 10
	}
	if m.unsafe != "" {
		sum -= 100
	}
	if asked := study.Asked(b.Type, b.Options); asked > 0 {
		sum += float64(study.Items(m.aid)) / float64(asked)
	}
	return sum
}

// clampScore rounds to three places, which is more than the rules know.
func clampScore(s *float64) *float64 {
	if s == nil {
		return nil
	}
	return new(math.Round(*s*1000) / 1000)
}
