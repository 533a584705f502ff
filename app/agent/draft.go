package agent

import (
	"fmt"
	"slices"

	"studysharper/app/agent/validate"
	"studysharper/app/study"
)

const checkedByRules = "rules"

// draft is an answer without anything that belongs to one student; equal briefs share it.
type draft struct {
	aid        study.Aid
	validation study.Validation
	warnings   []string
	model      string
	cut        study.Cut // why it is incomplete
	used       study.ContextUsed

	unsafe string // the safety category that it violates; "" = it may be shown
	partly bool   // not cached: a check was not made, or the material was shortened
}

// checkByRules makes a draft of a well-formed aid and returns the faults that a correction must avoid. Rules give no
// scores except the one for safety.
func (t task) checkByRules(aid study.Aid) (*draft, []string) {
	b := t.brief
	if t.options.Judge == JudgeOff {
		b.Material = "" // so that an answer about something else is not rejected
	}
	report := validate.Rules(aid, b, t.sources)
	d := &draft{aid: aid, validation: study.Validation{SafetyScore: new(1.0), Passed: report.Passed, CheckedBy: checkedByRules,
		Checks: study.Checks{Safety: checkedByRules}, Issues: append(report.Faults, report.Issues...)}}
	if report.Quoted {
		d.validation.Checks.Accuracy = checkedByRules
	}
	var faults []string
	if !report.Passed {
		faults = report.Faults
	}
	if broken := validate.Safety(aid); len(broken) > 0 {
		d.unsafe, d.validation.SafetyScore, d.validation.Passed = broken[0], new(0.0), false
		faults = append(slices.Clone(faults), "it fails the safety check ("+broken[0]+")")
	}
	return d, faults
}

// betterThan reports whether a correction should replace the previous draft.
func (d *draft) betterThan(before *draft) bool {
	switch {
	case (d.unsafe == "") != (before.unsafe == ""):
		return d.unsafe == ""
	case d.validation.Passed != before.validation.Passed:
		return d.validation.Passed
	case study.Items(d.aid) != study.Items(before.aid):
		return study.Items(d.aid) > study.Items(before.aid)
	default:
		return d.cut == study.NotCut || before.cut != study.NotCut
	}
}

// cutWarnings tell a student that an answer is incomplete.
var cutWarnings = map[study.Cut]string{
	study.CutLength:  "incomplete: the answer reached its length limit and may end too early",
	study.CutStopped: "incomplete: the AI service ended the answer early",
}

// finish adds the ids and the warnings that a finished answer needs.
func (d *draft) finish(b study.Brief) {
	study.Identify(d.aid)
	if warning := cutWarnings[d.cut]; warning != "" {
		d.warnings = append(d.warnings, warning)
	}
	missing := study.Shortfall(d.aid, b.Options)
	if missing <= 0 {
		return
	}
	asked := study.Asked(b.Type, b.Options)
	warning := fmt.Sprintf("made %d of %d", asked-missing, asked)
	if len(b.Documents) > 0 && d.cut == study.NotCut {
		warning += ": the text contains no more"
	}
	d.warnings = append(d.warnings, warning)
}
