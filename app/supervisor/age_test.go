package supervisor

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAYoungWorkerAtItsQuotaIsReplacedWhenItIsOldEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const age = 30 * time.Second
		h := openWith(t, 1, &fakes{script: (*fake).ready}, func(o *Options) { o.Limits.MinAge = age })
		h.process(1).answer(1000)
		time.Sleep(age - time.Nanosecond)
		synctest.Wait()
		if h.process(1) == nil || len(h.live) != 1 {
			t.Fatalf("too early: alive %v", h.live)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if h.process(1) != nil || h.process(2) == nil {
			t.Errorf("not replaced: alive %v", h.live)
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}
