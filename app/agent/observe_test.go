package agent

import (
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/study"
)

func TestARunIsObservedOnceFromItsEntranceToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var took []time.Duration
		var ends []error
		n := NewRunner(newBench(hangs(), Options{}).Orchestrator, &paper{}, RunnerOptions{MaxRuns: 1, Timeout: time.Minute,
			Observe: func(d time.Duration, err error) { took, ends = append(took, d), append(ends, err) }})
		if _, err := n.Start(asking(study.Quiz)); err != nil {
			t.Fatal(err)
		}
		_, _, err := n.Do(t.Context(), asking(study.Quiz))
		failsWith(t, err, study.CodeOverloaded) // one that is not let in is not a run
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(took) != 1 || took[0] != time.Minute {
			t.Fatalf("observed %v", took)
		}
		failsWith(t, ends[0], study.CodeTimeout)
	})
}
