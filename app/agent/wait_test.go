package agent

import (
	"context"
	"slices"
	"testing"
	"time"

	"studysharper/app/study"
)

func TestAWaitThatTheAIServiceAsksForIsToldAsProgress(t *testing.T) {
	for _, typ := range []study.Type{study.Chat, study.Quiz} {
		b := newBench(&model{answer: func(_ context.Context, _ int, p study.Prompt, onText func(string)) (study.Answer, error) {
			p.OnWait(2500 * time.Millisecond)
			if onText != nil {
				onText(goodAnswer(typ))
			}
			return study.Answer{Text: goodAnswer(typ), Model: "fake-1"}, nil
		}}, Options{})
		var w watched
		if _, err := b.Run(t.Context(), asking(typ), w.emit); err != nil {
			t.Fatal(err)
		}
		all := w.progress(t)
		at := slices.IndexFunc(all, func(p study.Progress) bool { return p.Message == "The AI service asks us to wait 3 s" })
		if at < 0 || all[at].Step != 3 || all[at].CurrentAgent != agents[typ] {
			t.Fatalf("%s: told %+v", typ, all)
		}
		checkSteps(t, slices.Delete(all, at, at+1))
	}
}
