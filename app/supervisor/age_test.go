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
		if n := h.count(); h.process(1) == nil || n != 1 {
			t.Fatalf("too early: %d workers", n)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if h.process(1) != nil || h.process(2) == nil {
			t.Error("not replaced")
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}
