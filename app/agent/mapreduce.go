package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"studysharper/app/agent/prompt"
	"studysharper/app/agent/validate"
	"studysharper/app/study"
)

const parallelParts = 3 // read at once

// generateParts makes an aid of a text that is read in parts. Each part is a task of its own, with its share of the
// items and of the calls; then the drafts are merged. Parts that cannot be read are left out, and the answer says so,
// unless all of them fail. The built-in engine reads one long text at a time: it uses a whole processor, so two at once
// would not be faster and would need twice the memory.
func (t task) generateParts(ctx context.Context, send func(signal)) (*draft, study.Usage, error) {
	done, err := t.awaitTurn(ctx)
	if err != nil {
		return nil, study.Usage{}, err
	}
	defer done()
	drafts := make([]*draft, len(t.plan.parts))
	makers := make([]*generation, len(t.plan.parts))
	errs := make([]error, len(t.plan.parts))
	var read atomic.Int32
	var group errgroup.Group
	group.SetLimit(parallelParts)
	if t.options.Deterministic {
		group.SetLimit(1)
	}
	for i := range t.plan.parts {
		makers[i] = t.partOf(i, send)
		group.Go(func() (err error) {
			defer RecoverPanic(t.deps.Log, t.runID, &errs[i])
			if ctx.Err() == nil {
				drafts[i], errs[i] = makers[i].make(ctx)
				send(signal{part: int(read.Add(1)), parts: len(drafts)})
			}
			return nil
		})
	}
	_ = group.Wait()
	usage := study.Usage{}
	for _, g := range makers {
		usage.Merge(g.usage)
	}
	if ctx.Err() != nil {
		return nil, usage, ctx.Err()
	}
	merged, err := t.mergeParts(drafts, errs)
	if err != nil {
		return nil, usage, err
	}
	for _, g := range makers {
		merged.validation.Attempts += g.tries
	}
	if t.brief.Type == study.Summary && !t.options.Deterministic && merged.unsafe == "" {
		t.mergePoints(ctx, merged, &usage)
	}
	send(signal{step: 5})
	if merged.unsafe != "" {
		return nil, usage, validate.Withheld(merged.unsafe)
	}
	merged.finish(t.brief)
	return merged, usage, nil
}

// awaitTurn returns when a long text may be read; with the built-in engine, that is when no other long text is being
// read.
func (t task) awaitTurn(ctx context.Context) (done func(), err error) {
	if !t.options.Deterministic {
		return func() {}, nil
	}
	select {
	case t.longTexts <- struct{}{}:
		return func() { <-t.longTexts }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// partOf returns the work on one part, with an equal share of the calls. The steps of a part are not reported as the
// run's.
func (t task) partOf(i int, send func(signal)) *generation {
	part := t
	part.brief = t.plan.parts[i]
	part.sources = validate.NewSources(part.brief)
	part.options.MaxCalls = max((t.options.MaxCalls-1)/len(t.plan.parts), 1)
	g := newGeneration(part, func(s signal) {
		if s.step == 0 {
			send(s)
		}
	})
	g.part, g.parts = i+1, len(t.plan.parts)
	return g
}

// mergeParts joins the drafts of the parts that were read. It returns an error if no part was read.
func (t task) mergeParts(drafts []*draft, errs []error) (*draft, error) {
	var merged *draft
	var aids []study.Aid
	whole, read := 0, 0
	for i, d := range drafts {
		size := len(t.plan.parts[i].Material)
		whole += size
		if d == nil && !study.IsCode(errs[i], study.CodeInvalid) { // the built-in engine finds nothing in some texts
			continue
		}
		if read += size; d == nil {
			continue
		}
		aids = append(aids, d.aid)
		if merged == nil {
			merged = d
			continue
		}
		merged.join(d)
	}
	if merged == nil {
		return nil, errs[slices.IndexFunc(errs, func(err error) bool { return err != nil })]
	}
	merged.aid = validate.Join(aids, t.brief.Options)
	merged.used = t.plan.used
	merged.used.Share *= float64(read) / float64(whole)
	if read < whole {
		merged.partly = true
	}
	if w := t.plan.warning(merged.used.Share); w != "" {
		merged.warnings = append(merged.warnings, w)
	}
	return merged, nil
}

// join adds the validation, warnings and flags of another part's draft.
func (d *draft) join(other *draft) {
	v, o := &d.validation, other.validation
	v.Passed = v.Passed && o.Passed
	v.Issues = append(v.Issues, o.Issues...)
	v.SafetyScore, v.QualityScore, v.Accuracy = lower(v.SafetyScore, o.SafetyScore), lower(v.QualityScore, o.QualityScore), lower(v.Accuracy, o.Accuracy)
	if d.unsafe == "" {
		d.unsafe = other.unsafe
	}
	if d.cut == study.NotCut {
		d.cut = other.cut
	}
	d.partly = d.partly || other.partly
	for _, w := range other.warnings {
		if !slices.Contains(d.warnings, w) {
			d.warnings = append(d.warnings, w)
		}
	}
}

// lower returns the lower of two scores; nil means that there is no score.
func lower(a, b *float64) *float64 {
	if a == nil || b != nil && *b < *a {
		return b
	}
	return a
}

// mergePoints requests one summary of the parts' points, if a call is left. If the answer is unusable, the points stay
// as they are. The key terms of the parts stay in any case.
func (t task) mergePoints(ctx context.Context, d *draft, usage *study.Usage) {
	s := d.aid.(*study.SummarySet)
	b := t.brief
	b.Material, b.Message = pointsText(s), ""
	b.Documents = nil
	for _, part := range t.plan.parts {
		b.Documents = append(b.Documents, part.Documents...)
	}
	t.brief, t.sources = b, validate.NewSources(b)
	g := newGeneration(t, func(signal) {})
	g.usage = *usage
	if g.task.options.MaxCalls-usage.Calls <= 0 {
		return
	}
	merged, _, err := g.attempt(ctx, prompt.MergePoints(b))
	*usage = g.usage
	if err != nil || merged == nil || merged.unsafe != "" || !merged.validation.Passed || merged.cut != study.NotCut {
		d.partly = true
		d.warnings = append(d.warnings, "the points of the parts could not be merged; they are listed part by part")
		return
	}
	terms := s.Summary.KeyTerms
	better := merged.aid.(*study.SummarySet)
	better.Summary.KeyTerms = terms
	d.aid = better
	d.validation.Attempts++
}

// pointsText lists the points of a summary for the prompt that merges them.
func pointsText(s *study.SummarySet) string {
	var b strings.Builder
	for _, p := range s.Summary.MainPoints {
		fmt.Fprintf(&b, "- %s %s", p.Point, p.Details)
		if p.Source != nil {
			fmt.Fprintf(&b, " (%q)", p.Source.Quote)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
