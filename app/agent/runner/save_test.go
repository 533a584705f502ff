package runner

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"studysharper/app/agent/agenttest"
	"studysharper/app/study"
)

func TestASynchronousRunOccupiesTheSessionThatItNames(t *testing.T) {
	b := agenttest.NewFakes(agenttest.Says(agenttest.GoodAnswer(study.Quiz)))
	busy := study.Errorf(study.CodeConflict, "busy")
	p := &paper{begin: busy}
	n := newRunner(b, p, Options{})
	_, _, err := n.Do(t.Context(), agenttest.Asking(study.Quiz))
	agenttest.FailsWith(t, err, study.CodeConflict)
	if b.Model.Calls() != 0 || n.Counts().Active != 0 {
		t.Errorf("%d calls, counts %+v", b.Model.Calls(), n.Counts())
	}
	if _, _, err = n.Do(t.Context(), study.Request{Type: study.Quiz, UserID: agenttest.Alice, Message: "Help me learn this.", Options: agenttest.Asking(study.Quiz).Options}); err != nil {
		t.Error("in a session of its own:", err)
	}
	p.begin = nil
	if _, _, err = n.Do(t.Context(), agenttest.Asking(study.Quiz)); err != nil {
		t.Fatal(err)
	}
	if kinds := p.kinds(); !p.begun.Silent || p.begun.Session != agenttest.SessionID || len(kinds) != 1 || !kinds[0].Terminal() || p.closed != 1 {
		t.Errorf("begun as %+v, events %v, closed %d times", p.begun, kinds, p.closed)
	}
}

func TestSavedIsFalseWhenTheStoreFails(t *testing.T) {
	for _, c := range []struct {
		typ  study.Type
		fail string // the store's method that fails
		want any
	}{
		{study.Quiz, "SaveContent", false},
		{study.Quiz, "AppendMessages", false},
		{study.Chat, "AppendMessages", false},
		{study.Plan, "AppendMessages", false},
		{study.Chat, "", nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := agenttest.NewFakes(agenttest.Says(agenttest.GoodAnswer(c.typ)))
			b.Store.Fail = func(m string) error {
				if m == c.fail {
					return study.Errorf(study.CodeUnavailable, "locked")
				}
				return nil
			}
			out, _, err := newRunner(b, &paper{}, Options{}).Do(t.Context(), agenttest.Asking(c.typ))
			if err != nil {
				t.Fatal(err)
			}
			var plain map[string]any
			if err := json.Unmarshal([]byte(agenttest.JSON(out.Result)), &plain); err != nil {
				t.Fatal(err)
			}
			p := &paper{}
			if _, err := newRunner(b, p, Options{}).Start(agenttest.Asking(c.typ), nil); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			kind, streamed := p.terminal(t)
			for how, got := range map[string]map[string]any{"plain": plain, "streamed": streamed} {
				saved, has := got["saved"]
				warned := strings.Contains(agenttest.JSON(got["warnings"]), "not saved")
				if !has || saved != c.want || warned != (c.want == false) || kind != study.KindComplete {
					t.Errorf("%s, %s fails, %s: saved %v (%v), warnings %v", c.typ, c.fail, how, saved, has, got["warnings"])
				}
			}
		})
	}
}
