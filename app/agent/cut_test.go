package agent

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"studysharper/app/agent/agenttest"
	"studysharper/app/study"
)

// cutShort makes m return truncated answers.
func cutShort(m *agenttest.Model, cut study.Cut) *agenttest.Model {
	answer := m.Answer
	m.Answer = func(ctx context.Context, call int, p study.Prompt, onText func(string)) (study.Answer, error) {
		a, err := answer(ctx, call, p, onText)
		a.Cut = cut
		return a, err
	}
	return m
}

func TestAnUnfinishedAnswerSaysSoAndIsNotCached(t *testing.T) {
	for cut, said := range map[study.Cut]string{study.CutLength: "length limit", study.CutStopped: "ended the answer early"} {
		for _, typ := range study.Types() {
			if cut == study.CutStopped && typ != study.Chat {
				continue // its object is complete
			}
			for _, w := range []*watched{nil, {}} {
				b := newBench(cutShort(agenttest.Says(agenttest.GoodAnswer(typ)), cut), Options{})
				for range 2 {
					out, err := b.Run(t.Context(), agenttest.Asking(typ), w)
					if err != nil {
						t.Fatal(err)
					}
					if !warns(out, "incomplete: ") || !warns(out, said) || out.FromCache {
						t.Errorf("%s, %s: warnings %q, from cache %v", typ, cut, out.Result.Warnings, out.FromCache)
					}
				}
				if keys := b.Cache.Keys(); b.Model.Calls() != 2 || len(keys) != 0 {
					t.Errorf("%s, %s: %d calls, cached %q", typ, cut, b.Model.Calls(), keys)
				}
			}
		}
	}
}

func TestAnObjectThatIsWholeIsNotCalledIncomplete(t *testing.T) {
	cards := agenttest.GoodAnswer(study.Flashcards)
	for name, c := range map[string]struct {
		typ    study.Type
		text   string
		cut    study.Cut
		warned bool
	}{
		"cards":                 {study.Flashcards, cards, study.CutStopped, false},
		"an analysis":           {study.Analysis, agenttest.GoodAnswer(study.Analysis), study.CutStopped, false},
		"a summary":             {study.Summary, agenttest.GoodAnswer(study.Summary), study.CutStopped, false},
		"words after it":        {study.Flashcards, cards + "\nGood luck {and", study.CutStopped, false},
		"its length was bound":  {study.Flashcards, cards, study.CutLength, true},
		"its end is missing":    {study.Flashcards, strings.TrimRight(cards, "}"), study.CutStopped, true},
		"a card is missing":     {study.Flashcards, agenttest.CardSet(1), study.CutStopped, true},
		"a second one is begun": {study.Flashcards, cards + ` or {"flashcards": [{`, study.CutStopped, true},
	} {
		b := newBench(cutShort(agenttest.Says(c.text), c.cut), Options{})
		out, err := b.Run(t.Context(), agenttest.Asking(c.typ), nil)
		if cached := len(b.Cache.Keys()) > 0; err != nil || warns(out, "incomplete: ") != c.warned || cached == c.warned {
			t.Errorf("%s: %v, warnings %q, cached %v", name, err, out.Result.Warnings, cached)
		}
	}
}

func warns(out Outcome, words string) bool {
	return slices.ContainsFunc(out.Result.Warnings, func(w string) bool { return strings.Contains(w, words) })
}

func TestThoseWhoShareAnUnfinishedAnswerAreWarnedToo(t *testing.T) {
	for _, typ := range []study.Type{study.Chat, study.Quiz} {
		synctest.Test(t, func(t *testing.T) {
			m, open := agenttest.Gated(agenttest.GoodAnswer(typ))
			b := newBench(cutShort(m, study.CutLength), Options{})
			c := gatherCrowd(t, b, 3, agenttest.Asking(typ))
			open()
			c.wg.Wait()
			for i, out := range c.out {
				if c.errs[i] != nil || !warns(out, "incomplete: ") {
					t.Errorf("%s, run %d: %v, warnings %q", typ, i, c.errs[i], out.Result.Warnings)
				}
			}
			if m.Calls() != 1 || len(b.Cache.Keys()) != 0 {
				t.Errorf("%s: %d calls, cached %q", typ, m.Calls(), b.Cache.Keys())
			}
		})
	}
}

func TestAConversationKeepsThatAnAnswerWasCutOff(t *testing.T) {
	b := newBench(cutShort(agenttest.Says("Mitosis is the div"), study.CutLength), Options{})
	out, err := b.Run(t.Context(), agenttest.Asking(study.Chat), nil)
	if err != nil {
		t.Fatal(err)
	}
	kept := b.Store.Talks[agenttest.SessionID]
	if got := kept[len(kept)-1].Text; got != "Mitosis is the div… [cut off at the length limit]" {
		t.Errorf("kept %q", got)
	}
	if said := out.Result.Data.(*study.Reply).Response; said != "Mitosis is the div" {
		t.Errorf("answered %q", said)
	}
}

func TestACorrectionThatIsWholeIsPreferredToNothing(t *testing.T) {
	whole, calls := agenttest.GoodAnswer(study.Flashcards), 0
	b := newBench(&agenttest.Model{Answer: func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) {
		if calls++; calls == 1 {
			return study.Answer{Text: whole[:len(whole)/2], Model: "fake-1", Cut: study.CutLength}, nil
		}
		return study.Answer{Text: whole, Model: "fake-1"}, nil
	}}, Options{})
	out, err := b.Run(t.Context(), agenttest.Asking(study.Flashcards), nil)
	if err != nil || warns(out, "incomplete") || len(b.Cache.Keys()) != 1 {
		t.Errorf("%v, warnings %q, cached %q", err, out.Result.Warnings, b.Cache.Keys())
	}
}

func TestWhatIsWholeOfACutAidWithoutItemsIsKept(t *testing.T) {
	whole := study.Answer{Text: agenttest.GoodAnswer(study.Analysis), Model: "fake-1"}
	for name, c := range map[string]struct {
		typ    study.Type
		text   string
		cut    study.Cut
		second study.Answer // of the correction
		err    error
		keeps  string // in the JSON of the aid; "" = the run fails
		warned bool
	}{
		"an analysis at its length": {typ: study.Analysis, text: `{"analysis": {"strengths": ["names the phases", "lists`, cut: study.CutLength, keeps: "names the phases", warned: true},
		"only the object is cut":    {typ: study.Analysis, text: `{"analysis": {"gaps": ["no drawing", "no`, keeps: "no drawing", warned: true},
		"only the answer is cut":    {typ: study.Analysis, text: `{"analysis": {"gaps": ["no drawing"]}}`, cut: study.CutStopped, keeps: "no drawing", warned: true},
		"the correction fails":      {typ: study.Analysis, text: `{"analysis": {"key_concepts": ["mitosis"], "sug`, err: study.Errorf(study.CodeUpstreamFailed, "x"), keeps: "mitosis", warned: true},
		"the correction is whole":   {typ: study.Analysis, text: `{"analysis": {"gaps": ["no drawing", "no`, cut: study.CutLength, second: whole, keeps: "add a drawing"},
		"a summary of one point":    {typ: study.Summary, text: `{"summary": {"main_points": [{"point": "Mitosis divides a nucleus."}, {"poi`, cut: study.CutLength, keeps: "divides a nucleus", warned: true},
		"a summary of a text":       {typ: study.Summary, text: `{"summary": {"text": "Mitosis divides a nucleus.", "main_points": [{"po`, cut: study.CutLength, keeps: "divides a nucleus", warned: true},
		"nothing whole":             {typ: study.Analysis, text: `{"analysis": {"strengths": ["names the`, cut: study.CutLength},
		"lacking, but not cut":      {typ: study.Analysis, text: `{"analysis": {"gaps": ["no drawing"]}}`},
	} {
		b := newBench(&agenttest.Model{Answer: func(_ context.Context, call int, _ study.Prompt, _ func(string)) (study.Answer, error) {
			if call > 1 && (c.second.Text != "" || c.err != nil) {
				return c.second, c.err
			}
			return study.Answer{Text: c.text, Model: "fake-1", Cut: c.cut}, nil
		}}, Options{})
		out, err := b.Run(t.Context(), agenttest.Asking(c.typ), nil)
		if c.keeps == "" {
			agenttest.FailsWith(t, err, study.CodeUpstreamFailed)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		cached := len(b.Cache.Keys()) > 0
		if got := agenttest.JSON(out.Result.Data); !strings.Contains(got, c.keeps) || strings.Contains(got, "null") || warns(out, "incomplete: ") != c.warned || cached == c.warned {
			t.Errorf("%s: %s, warnings %q, cached %v", name, got, out.Result.Warnings, cached)
		}
	}
}

func TestAModelThatFallsSilentIsWaitedForOnce(t *testing.T) {
	for _, c := range []struct {
		more  bool
		calls int
	}{{false, 1}, {true, 2}} {
		m := &agenttest.Model{Answer: func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) {
			return study.Answer{Text: `{"flashcards": [{"question": "Wh`, Model: "fake-1", More: c.more, Calls: 1}, study.Errorf(study.CodeUpstreamTimeout, "silent")
		}}
		if _, err := newBench(m, Options{}).Run(t.Context(), agenttest.Asking(study.Flashcards), nil); !study.IsCode(err, study.CodeUpstreamTimeout) || m.Calls() != c.calls {
			t.Errorf("another model %v: %v after %d calls", c.more, err, m.Calls())
		}
	}
}
