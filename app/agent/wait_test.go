package agent

import (
	"context"
	"slices"
	"testing"
	"time"

	"studysharper/app/agent/agenttest"
	"studysharper/app/study"
)

func TestAWaitThatTheAIServiceAsksForIsToldAsProgress(t *testing.T) {
	for _, typ := range []study.Type{study.Chat, study.Quiz} {
		b := newBench(&agenttest.Model{Answer: func(_ context.Context, _ int, p study.Prompt, onText func(string)) (study.Answer, error) {
			p.OnWait(2500 * time.Millisecond)
			if onText != nil {
				onText(agenttest.GoodAnswer(typ))
			}
			return study.Answer{Text: agenttest.GoodAnswer(typ), Model: "fake-1"}, nil
		}}, Options{})
		var w watched
		if _, err := b.Run(t.Context(), agenttest.Asking(typ), &w); err != nil {
			t.Fatal(err)
		}
		all := w.progress
		at := slices.IndexFunc(all, func(p study.Progress) bool { return p.Message == "The AI service asks us to wait 3 s" })
		if at < 0 || all[at].Step != 3 || all[at].CurrentAgent != agents[typ] {
			t.Fatalf("%s: reported %+v", typ, all)
		}
		agenttest.CheckSteps(t, slices.Delete(all, at, at+1))
	}
}
