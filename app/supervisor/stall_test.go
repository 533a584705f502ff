package supervisor

import (
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/memory"
	"studysharper/app/metrics"
)

// A pause may fall between any two steps of act: here the supervisor is stopped while it reads a worker's entry, and by
// then the worker's heartbeat is as old as the pause.
func TestNoWorkerIsKilledForAPauseInTheMiddleOfALook(t *testing.T) {
	const pause = time.Hour
	for name, at := range map[string]func(o *Options, stop func()){
		"before the heartbeat is read": func(o *Options, stop func()) {
			read := o.Silence
			o.Silence = func(e *metrics.Entry) time.Duration { stop(); return read(e) }
		},
		"after it": func(o *Options, stop func()) {
			o.Memory = func(int) (memory.Process, error) { stop(); return memory.Process{}, nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var paused atomic.Bool
				var beat atomic.Int64
				beat.Store(time.Now().UnixNano())
				h := openWith(t, 2, &fakes{script: (*fake).ready}, func(o *Options) {
					o.Silence = func(*metrics.Entry) time.Duration { return time.Since(time.Unix(0, beat.Load())) }
					at(o, func() {
						if paused.CompareAndSwap(true, false) {
							time.Sleep(pause)
						}
					})
				})
				paused.Store(true)
				time.Sleep(pause + lookEvery + lookEvery/2)
				synctest.Wait()
				beat.Store(time.Now().UnixNano()) // the workers resume a moment after the supervisor
				time.Sleep(2 * lookEvery)
				synctest.Wait()
				if h.process(1) == nil || h.process(2) == nil {
					t.Error("a worker that did nothing wrong is gone")
				}
				time.Sleep(DefaultLimits().Silence)
				synctest.Wait()
				if h.process(1) != nil || h.process(2) != nil {
					t.Error("workers that stay silent after it stay alive")
				}
				if err := h.stop(); err != nil || !strings.Contains(h.log.String(), "supervisor was stalled") {
					t.Errorf("%v; the log says %s", err, h.log.String())
				}
			})
		})
	}
}

func TestAPauseDoesNotShortenADrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var paused atomic.Bool
		const pause = time.Hour
		h := openWith(t, 1, &fakes{script: func(p *fake) { p.hangs = true; p.ready() }}, func(o *Options) {
			o.Memory = func(int) (memory.Process, error) {
				if paused.CompareAndSwap(true, false) {
					time.Sleep(pause)
				}
				return memory.Process{}, nil
			}
		})
		h.signals <- syscall.SIGHUP
		synctest.Wait()
		paused.Store(true)
		time.Sleep(pause + 2*lookEvery)
		synctest.Wait()
		if h.process(1) == nil {
			t.Error("a worker that drains is gone")
		}
		time.Sleep(DefaultLimits().WorkerTimeout + DefaultLimits().RequestSlack)
		synctest.Wait()
		if h.process(1) != nil {
			t.Error("a worker drains for longer than it may")
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}
