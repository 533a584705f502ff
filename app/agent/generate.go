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
	callsOfOneText    = 3 // of the model about one text, after which nothing more is asked
	maxReportedFaults = 3 // in the error of an unusable answer
)

// generation is the work on one answer. The model is asked; it, or the next model, is asked again
// at most once because its answer broke off and once because it was unusable. Items that are missing
// are asked for alone.
type generation struct {
	task      task
	send      func(signal)
	usage     study.Usage
	asks      int             // calls of deps.Model and deps.Judge
	tries     int             // answers asked for
	rank      int             // of the model that is asked next
	more      bool            // there is one after it
	corrected bool            // the correction is used up
	shortened bool            // the material was too long for the model
	shown     map[string]bool // keys of the items that a client has seen

	part, parts int // of the text, from 1; 0 = it is read as a whole
}

func newGeneration(t task, send func(signal)) *generation {
	return &generation{task: t, send: send, shown: make(map[string]bool)}
}

// generate makes the answer and returns what it took, also if it failed.
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

// make asks for an answer, and then for the items that it lacks.
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

// build is the prompt of the task. The built-in engine reads the brief alone.
func (g *generation) build() study.Prompt {
	if g.task.options.Deterministic {
		return study.Prompt{Brief: g.task.brief, JSON: g.task.brief.Type != study.Chat}
	}
	if g.parts > 0 {
		return prompt.Part(g.task.brief, g.part, g.parts)
	}
	return prompt.Build(g.task.brief)
}

// draft asks for an answer until one is good, or as good as it gets.
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

// firstDraft asks without a word of what is wrong: again with half the material if that was too
// long, and once more if an object broke off while nothing of it could be used or was shown.
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

// mayRecover reports whether asking again may help after an answer that broke off. A model that fell
// silent has been waited for long enough; only another one is worth a second wait.
func (g *generation) mayRecover(code study.Code) bool {
	return code != study.CodeWithheld && (code != study.CodeUpstreamTimeout || g.more)
}

// mayAsk reports whether another call is within the bounds. The built-in engine would give the
// same answer again.
func (g *generation) mayAsk() bool { return !g.task.options.Deterministic && g.callsLeft() > 0 }

func (g *generation) callsLeft() int {
	return min(callsOfOneText, g.task.options.MaxCalls) - max(g.asks, g.usage.Calls)
}

// attempt asks for an answer and reads it. The draft is nil if it is unusable; faults are what a
// correction must avoid. An answer that ends in an error counts as far as it is complete; an
// error beside faults means that it had begun.
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

// ask calls the model. Objects are streamed, whether or not a client watches: a slow model is
// then bounded by its silence instead of its time. A watched chat is streamed through a filter
// that stops it when it turns unsafe.
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

// itemScanner sends the items of an answer to a client that watches, one by one, but none that an
// earlier answer had. A topic that one plan repeats is repeated on purpose.
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

// read makes a draft of an answer; nil if it is not a usable aid. What is whole of an answer that
// was cut is a draft, whose faults say what it lacks.
func (t task) read(answer study.Answer) (*draft, []string) {
	b := t.brief
	var removed []string
	aid, cut, fault := t.parse(answer.Text, func(aid study.Aid) bool {
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
		answer.Cut = study.NotCut // the service did not say that it was done, but all is there
	}
	if reply, ok := aid.(*study.Reply); ok {
		t.citeReply(reply)
	}
	d, faults := t.checkByRules(aid)
	faults = append(lacks, faults...)
	d.model, d.cut, d.warnings = answer.Model, answer.Cut, append(d.warnings, answer.Warnings...)
	if b.Type == study.Chat {
		faults = nil // what was streamed cannot be taken back
	}
	return d, faults
}

// fillMissing asks for the items that a draft lacks, once, and adds those that are usable.
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

// shorten halves the material; false if it is short already.
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
