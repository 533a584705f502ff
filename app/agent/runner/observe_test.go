package runner

import (
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/agent/agenttest"
	"studysharper/app/study"
)

func TestARunIsObservedOnceFromItsEntranceToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var took []time.Duration
		var ends []error
		n := newRunner(agenttest.NewFakes(agenttest.Hangs()), &paper{}, Options{MaxRuns: 1, Timeout: time.Minute,
			Observe: func(d time.Duration, err error) { took, ends = append(took, d), append(ends, err) }})
		if _, err := n.Start(agenttest.Asking(study.Quiz), nil); err != nil {
			t.Fatal(err)
		}
		_, _, err := n.Do(t.Context(), agenttest.Asking(study.Quiz))
		agenttest.FailsWith(t, err, study.CodeOverloaded) // a run that is not admitted is not observed
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(took) != 1 || took[0] != time.Minute {
			t.Fatalf("observed %v", took)
		}
		agenttest.FailsWith(t, ends[0], study.CodeTimeout)
	})
}
