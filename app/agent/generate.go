package agent

import (
	"cmp"
	"context"
	"maps"
	"strings"
	"time"
	"unicode/utf8"

	"studysharper/app/agent/parse"
	"studysharper/app/agent/prompt"
	"studysharper/app/agent/validate"
	"studysharper/app/study"
)

const (
	callsOfOneText    = 3 // of the model, for one text
	maxReportedFaults = 3 // in the error of an unusable answer
)

// generation is the work on one answer. The model, or the next one, is called a second time at most once because its
// answer broke off and at most once because its answer was unusable. Missing items are requested in a call of their
// own.
type generation struct {
	task      task
	send      func(signal)
	usage     study.Usage
	asks      int             // calls of deps.Model and deps.Judge
	tries     int             // answers requested
	rank      int             // of the model to call next
	more      bool            // there is a model after it
	corrected bool            // the one correction has been requested
	shortened bool            // the material was too long for the model
	shown     map[string]bool // keys of the items that a client has seen

	part, parts int // part number, from 1, and their count; 0 = the text is read as a whole
}

func newGeneration(t task, send func(signal)) *generation {
	return &generation{task: t, send: send, shown: make(map[string]bool)}
}

// generate makes the answer. It returns the usage even if it fails.
func (t task) generate(ctx context.Context, send func(signal)) (*draft, study.Usage, error) {
	if len(t.plan.parts) > 1 {
		return t.generateParts(ctx, send)
	}
	if len(t.plan.parts) == 1 {
		t.brief.Documents, t.brief.Material = t.plan.parts[0].Documents, t.plan.parts[0].Material
	}
	t.sources = validate.NewSources(t.brief)
	g := newGeneration(t, send)
	d, err := g.make(ctx)
	if err != nil {
		return nil, g.usage, err
	}
	send(signal{step: 5})
	if d.unsafe != "" {
		return nil, g.usage, validate.Withheld(d.unsafe)
	}
	d.used = t.plan.used
	if w := t.plan.warning(d.used.Share); w != "" && len(t.plan.parts) == 1 {
		d.warnings = append(d.warnings, w)
	}
	d.finish(t.brief)
	d.validation.Attempts = g.tries
	return d, g.usage, nil
}

// make requests an answer, and then the items that are missing from it.
func (g *generation) make(ctx context.Context) (*draft, error) {
	d, err := g.draft(ctx)
	if err != nil {
		return nil, err
	}
	if !g.task.options.Deterministic && d.unsafe == "" {
		g.fillMissing(ctx, d)
	}
	if g.shortened {
		d.partly = true
		d.warnings = append(d.warnings, "the source text was too long for the model and only its beginning was used")
	}
	return d, nil
}

// build returns the prompt of the task.
func (g *generation) build() study.Prompt {
	if g.parts > 0 {
		return prompt.Part(g.task.brief, g.part, g.parts)
	}
	return prompt.Build(g.task.brief)
}

// draft requests an answer and, if it has faults, one correction. It returns the better of the two.
func (g *generation) draft(ctx context.Context) (*draft, error) {
	d, faults, err := g.firstDraft(ctx)
	if err != nil {
		return nil, err
	}
	if d != nil && len(faults) == 0 {
		faults = g.judge(ctx, d)
	}
	if len(faults) > 0 && g.mayAsk() {
		g.corrected = true
		g.rank++ // to the next model, if there is one
		better, more, err := g.attempt(ctx, prompt.Correct(g.task.brief, faults))
		switch {
		case better != nil && (d == nil || better.betterThan(d)):
			if d != nil && d.validation.CheckedBy != checkedByRules {
				better.warnings = append(better.warnings, "the model did not check the corrected answer; only rules did")
				better.partly = true
			}
			d = better
		case d == nil && err != nil:
			return nil, err
		case d == nil:
			faults = more
		}
	}
	if d == nil {
		reported := strings.Join(faults[:min(len(faults), maxReportedFaults)], "; ")
		return nil, study.Errorf(study.CodeUpstreamFailed, "the model's answer could not be used: %s", reported)
	}
	return d, nil
}

// firstDraft requests an answer without corrections. It tries again with half of the material if the material was too
// long, and once more if a JSON answer broke off before any of it could be used or was shown.
func (g *generation) firstDraft(ctx context.Context) (*draft, []string, error) {
	d, faults, err := g.attempt(ctx, g.build())
	if study.IsCode(err, study.CodeTooLong) && g.mayAsk() && g.shorten() {
		d, faults, err = g.attempt(ctx, g.build())
	}
	if brokeOff := err != nil && len(faults) > 0; brokeOff && g.mayAsk() && g.mayRecover(study.AsError(err).Code) {
		g.rank++
		d, faults, err = g.attempt(ctx, g.build())
	}
	return d, faults, err
}

// mayRecover reports whether another attempt may help after an answer that broke off. After one model's silence timeout
// only a different model is worth a second wait.
func (g *generation) mayRecover(code study.Code) bool {
	return code != study.CodeWithheld && (code != study.CodeUpstreamTimeout || g.more)
}

// mayAsk reports whether the limits allow another call. The built-in engine would give the same answer again.
func (g *generation) mayAsk() bool { return !g.task.options.Deterministic && g.callsLeft() > 0 }

func (g *generation) callsLeft() int {
	return min(callsOfOneText, g.task.options.MaxCalls) - max(g.asks, g.usage.Calls)
}

// attempt requests an answer and reads it. The draft is nil if the answer is unusable; faults are what a correction
// must avoid. If the answer ends in an error, its complete part is used. An error together with faults means that the
// answer had begun.
func (g *generation) attempt(ctx context.Context, p study.Prompt) (d *draft, faults []string, err error) {
	g.tries++
	answer, err := g.ask(ctx, p)
	if err != nil {
		if !p.JSON || answer.Text == "" || ctx.Err() != nil {
			return nil, nil, err
		}
		answer.Cut = study.CutStopped
	}
	g.send(signal{step: 4})
	d, faults = g.task.read(answer)
	if d != nil {
		err = nil
	}
	return d, faults, err
}

// ask calls the model. JSON answers are streamed even if no client watches, so that a slow model is limited by its
// silence instead of its total time. A watched chat is streamed through a filter that stops it when it becomes unsafe.
func (g *generation) ask(ctx context.Context, p study.Prompt) (answer study.Answer, err error) {
	p.OnWait = func(d time.Duration) { g.send(signal{wait: d}) }
	p.Skip = g.rank
	if p.MaxCalls = g.task.options.MaxCalls; g.asks > 0 {
		p.MaxCalls = g.callsLeft()
	}
	model := g.task.deps.Model
	g.asks++
	defer func() {
		g.usage.Add(answer)
		g.rank, g.more = answer.Rank, answer.More
	}()
	switch {
	case g.task.options.Deterministic && p.JSON, !g.task.watched && !p.JSON:
		return model.Generate(ctx, p, nil)
	case p.JSON:
		return model.Generate(ctx, p, g.itemScanner())
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	filter := validate.StreamFilter{Emit: func(text string) { g.send(signal{token: text}) }, Stop: cancel}
	answer, err = model.Generate(ctx, p, filter.Write)
	if err == nil {
		filter.Flush()
	}
	if unsafe := filter.Err(); unsafe != nil {
		return answer, unsafe
	}
	return answer, err
}

// itemScanner returns a function that sends the items of an answer, one by one, to a client that watches. It skips
// items that an earlier answer had. A topic that one plan repeats is repeated on purpose.
func (g *generation) itemScanner() func(string) {
	if !g.task.watched {
		return func(string) {}
	}
	b := g.task.brief
	before := maps.Clone(g.shown)
	scanner := &parse.Scanner{Type: b.Type, Found: func(aid study.Aid) bool {
		item, ok := validate.Item(aid, b.Options, g.task.sources)
		if key := item.Key(); ok && !before[key] {
			g.shown[key] = true
			g.send(signal{item: &item})
		}
		return ok
	}}
	return scanner.Write
}

// read makes a draft of an answer; the draft is nil if the answer is not a usable aid. The complete part of a truncated
// answer is a draft, and its faults say what is missing.
func (t task) read(answer study.Answer) (*draft, []string) {
	b := t.brief
	var removed []string
	aid, cut, fault := parse.Aid(b.Type, answer.Text, func(aid study.Aid) bool {
		removed = validate.Settle(aid, b.Options)
		return len(aid.Check(b.Options)) == 0
	})
	if fault != "" {
		return nil, []string{fault}
	}
	lacks := aid.Check(b.Options)
	if len(lacks) > 0 {
		if !study.IsPart(aid) || !cut && answer.Cut == study.NotCut {
			return nil, append(removed, lacks...)
		}
		answer.Cut = cmp.Or(answer.Cut, study.CutStopped)
	} else if answer.Cut == study.CutStopped && b.Type != study.Chat && !cut && study.Shortfall(aid, b.Options) <= 0 {
		answer.Cut = study.NotCut // the service did not mark the answer as complete, but it is
	}
	if reply, ok := aid.(*study.Reply); ok {
		t.citeReply(reply)
	}
	d, faults := t.checkByRules(aid)
	faults = append(lacks, faults...)
	d.model, d.cut, d.warnings = answer.Model, answer.Cut, append(d.warnings, answer.Warnings...)
	if b.Type == study.Chat {
		faults = nil // streamed text cannot be taken back
	}
	return d, faults
}

// fillMissing requests the items that a draft lacks, once, and adds those that are usable.
func (g *generation) fillMissing(ctx context.Context, d *draft) {
	b := g.task.brief
	missing := study.Shortfall(d.aid, b.Options)
	if missing <= 0 || !g.mayAsk() {
		return
	}
	more, _, err := g.attempt(ctx, prompt.More(b, missing, validate.Subjects(d.aid)))
	if err != nil || more == nil || more.unsafe != "" || !more.validation.Passed {
		return
	}
	validate.Merge(d.aid, more.aid, b.Options)
	if study.Shortfall(d.aid, b.Options) <= 0 {
		d.cut = more.cut
	}
}

// shorten halves the material. It returns false if the material is short already.
func (g *generation) shorten() bool {
	b := &g.task.brief
	half := utf8.RuneCountInString(b.Material) / 2
	if half < minMaterialRunes {
		return false
	}
	b.Material, _ = cutAtSentence(b.Material, half)
	g.shortened = true
	return true
}
