package runner

import (
	"errors"
	"testing"
	"testing/synctest"

	"studysharper/app/agent/agenttest"
	"studysharper/app/study"
)

func TestTheEndOfAStartedRunIsToldOnceAndOfARefusedOneNever(t *testing.T) {
	for name, tt := range map[string]struct {
		model *agenttest.Model
		paper *paper
		shut  bool
		want  int
	}{
		"one that succeeds":             {model: agenttest.Says(agenttest.GoodAnswer(study.Chat)), paper: &paper{}, want: 1},
		"one that fails":                {model: agenttest.Says("no JSON", "no JSON", "no JSON"), paper: &paper{}, want: 1},
		"one without a journal":         {model: agenttest.Says(agenttest.GoodAnswer(study.Chat)), paper: &paper{begin: errors.New("away")}},
		"one that there is no room for": {model: agenttest.Says(agenttest.GoodAnswer(study.Chat)), paper: &paper{}, shut: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := agenttest.NewFakes(tt.model)
				n := newRunner(b, tt.paper, Options{Admit: func() (func(), bool) { return func() {}, !tt.shut }})
				ended := 0
				_, err := n.Start(agenttest.Asking(study.Chat), func() {
					if n.Counts().Active != 0 {
						t.Error("onEnd was called before the run ended")
					}
					ended++
				})
				synctest.Wait()
				if ended != tt.want || (err == nil) != (tt.want == 1) {
					t.Errorf("onEnd was called %d times, Start returned %v", ended, err)
				}
			})
		})
	}
}
