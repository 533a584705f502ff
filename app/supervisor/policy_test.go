package supervisor

import (
	"reflect"
	"testing"
	"time"

	"studysharper/app/metrics"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return noon.Add(d) }

// ready returns a healthy worker with the given changes.
func ready(slot, pid int, change ...func(*Worker)) Worker {
	w := Worker{Slot: slot, PID: pid, State: metrics.Ready, Started: at(-time.Hour), LastAlive: noon, Quota: 1000}
	for _, c := range change {
		c(&w)
	}
	return w
}

func due(w *Worker)      { w.Requests = 1000 }
func fresh(w *Worker)    { w.Started = noon }
func booting(w *Worker)  { w.State, w.Started = metrics.Booting, noon }
func draining(w *Worker) { w.State, w.DrainBy = metrics.Draining, at(time.Minute) }
func killed(w *Worker)   { w.Killed = true }

func TestNextDecides(t *testing.T) {
	l := DefaultLimits()
	l.MaxMemory, l.MemoryShare = 100, 120
	one, two := make([]Slot, 1), make([]Slot, 2)
	silent := at(l.WorkerTimeout)
	tests := []struct {
		name string
		view View
		want []Action
		wake time.Time
	}{
		{"empty slots get workers", View{Slots: two},
			[]Action{{Verb: Start, Slot: 0}, {Verb: Start, Slot: 1}}, time.Time{}},
		{"a healthy worker is left alone until its next heartbeat is due", View{Slots: one, Workers: []Worker{ready(0, 7)}},
			nil, silent},
		{"one crash costs no pause", View{Slots: []Slot{{Crashes: 1, LastCrash: noon}}},
			[]Action{{Verb: Start}}, time.Time{}},
		{"two crashes in a row cost one", View{Slots: []Slot{{Crashes: 2, LastCrash: noon}}},
			nil, at(100 * time.Millisecond)},
		{"the pause ends", View{Slots: []Slot{{Crashes: 2, LastCrash: at(-100 * time.Millisecond)}}},
			[]Action{{Verb: Start}}, time.Time{}},

		{"a worker that never gets ready is killed", View{Slots: one, Workers: []Worker{ready(0, 7, booting, func(w *Worker) { w.Started = at(-l.BootTimeout) })}},
			[]Action{{Verb: Kill, PID: 7, Reason: ReasonTimeout}}, time.Time{}},
		{"but not a moment early", View{Slots: one, Workers: []Worker{ready(0, 7, booting, func(w *Worker) { w.Started = at(-l.BootTimeout + 1) })}},
			nil, at(1)},
		{"a silent worker is killed", View{Slots: one, Workers: []Worker{ready(0, 7, func(w *Worker) { w.LastAlive = at(-l.WorkerTimeout) })}},
			[]Action{{Verb: Kill, PID: 7, Reason: ReasonTimeout}}, time.Time{}},
		{"a worker with a request that never ends is killed", View{Slots: one,
			Workers: []Worker{ready(0, 7, func(w *Worker) { w.Oldest = at(-l.WorkerTimeout - l.RequestSlack) })}},
			[]Action{{Verb: Kill, PID: 7, Reason: ReasonTimeout}}, silent},
		{"but the request may end by itself first", View{Slots: one, Workers: []Worker{ready(0, 7, func(w *Worker) { w.Oldest = at(-l.WorkerTimeout) })}},
			nil, at(l.RequestSlack)},
		{"none is judged by a time in which the supervisor did not run", View{Slots: make([]Slot, 3), Awake: noon,
			Workers: []Worker{
				ready(0, 7, func(w *Worker) { w.LastAlive = at(-time.Hour) }), ready(1, 8, func(w *Worker) { w.Oldest = at(-time.Hour) }),
				ready(2, 9, booting, func(w *Worker) { w.Started = at(-time.Hour) })}},
			nil, at(l.BootTimeout)},
		{"but by the time since", View{Slots: one, Awake: at(-l.Silence), Workers: []Worker{ready(0, 7, func(w *Worker) { w.LastAlive = at(-time.Hour) })}},
			[]Action{{Verb: Kill, PID: 7, Reason: ReasonTimeout}}, time.Time{}},
		{"a killed worker's slot is filled at once", View{Slots: one, Workers: []Worker{ready(0, 7, killed)}},
			[]Action{{Verb: Start}}, time.Time{}},

		{"a worker at its quota gets a successor", View{Slots: one, Workers: []Worker{ready(0, 7, due)}},
			[]Action{{Verb: Start, Reason: ReasonRequests}}, silent},
		{"one request before it does not", View{Slots: one, Workers: []Worker{ready(0, 7, func(w *Worker) { w.Requests = 999 })}}, nil, silent},
		{"without a quota it never does", View{Slots: one, Workers: []Worker{ready(0, 7, func(w *Worker) { w.Requests, w.Quota = 1<<40, 0 })}}, nil, silent},
		{"a worker at its quota that is young is left alone until it is old enough", View{Slots: one, Workers: []Worker{ready(0, 7, due, fresh)}}, nil, at(l.MinAge)},
		{"even a moment before", View{Slots: one, Workers: []Worker{ready(0, 7, due, func(w *Worker) { w.Started = at(-l.MinAge + 1) })}}, nil, at(1)},
		{"and then it gets one", View{Slots: one, Workers: []Worker{ready(0, 7, due, func(w *Worker) { w.Started = at(-l.MinAge) })}},
			[]Action{{Verb: Start, Reason: ReasonRequests}}, silent},
		{"a young one at its quota and at its share of memory waits", View{Slots: []Slot{{Outgrown: 9}}, Workers: []Worker{ready(0, 7, due, fresh, func(w *Worker) { w.Memory, w.BornWith = 120, 101 })}},
			nil, at(l.MinAge)},
		{"one above its share does not", View{Slots: []Slot{{Outgrown: 9}}, Workers: []Worker{ready(0, 7, due, fresh, func(w *Worker) { w.Memory, w.BornWith = 121, 101 })}},
			[]Action{{Verb: Start, Reason: ReasonRequests}}, silent},
		{"a reload does not wait for a young one's age", View{Slots: one, Workers: []Worker{ready(0, 7, due, fresh, func(w *Worker) { w.Outdated = true })}},
			[]Action{{Verb: Start, Reason: ReasonReload}}, silent},
		{"a worker above its memory gets one", View{Slots: one, Workers: []Worker{ready(0, 7, func(w *Worker) { w.Memory = 101 })}},
			[]Action{{Verb: Start, Reason: ReasonMemory}}, silent},
		{"resident memory that others share does not count", View{Slots: one, Workers: []Worker{ready(0, 7, func(w *Worker) { w.RSS, w.Memory = 200, 100 })}}, nil, silent},
		{"a second one in a row gets one at once", View{Slots: []Slot{{Outgrown: 1}}, Workers: []Worker{ready(0, 7, fresh, func(w *Worker) { w.Memory = 101 })}},
			[]Action{{Verb: Start, Reason: ReasonMemory}}, silent},
		{"a third one has to be a second old", View{Slots: []Slot{{Outgrown: 2}}, Workers: []Worker{ready(0, 7, fresh, func(w *Worker) { w.Memory = 101 })}}, nil, at(time.Second)},
		{"and then it gets one", View{Slots: []Slot{{Outgrown: 2}}, Workers: []Worker{ready(0, 7, func(w *Worker) { w.Started, w.Memory = at(-time.Second), 101 })}},
			[]Action{{Verb: Start, Reason: ReasonMemory}}, silent},
		{"one that has grown above its share does not wait", View{Slots: []Slot{{Outgrown: 9}}, Workers: []Worker{ready(0, 7, fresh, func(w *Worker) { w.Memory, w.BornWith = 121, 100 })}},
			[]Action{{Verb: Start, Reason: ReasonMemory}}, silent},
		{"one at its share does", View{Slots: []Slot{{Outgrown: 3}}, Workers: []Worker{ready(0, 7, fresh, func(w *Worker) { w.Memory, w.BornWith = 120, 100 })}}, nil, at(2 * time.Second)},
		{"and one that began above the limit", View{Slots: []Slot{{Outgrown: 3}}, Workers: []Worker{ready(0, 7, fresh, func(w *Worker) { w.Memory, w.BornWith = 121, 101 })}}, nil, at(2 * time.Second)},
		{"no pause holds up a reload", View{Slots: []Slot{{Outgrown: 9}}, Workers: []Worker{ready(0, 7, fresh, func(w *Worker) { w.Memory, w.BornWith, w.Outdated = 121, 101, true })}},
			[]Action{{Verb: Start, Reason: ReasonReload}}, silent},
		{"a worker whose memory has fallen while its successor booted leaves all the same", View{Slots: one, Workers: []Worker{ready(0, 7), ready(0, 8)}},
			[]Action{{Verb: Drain, PID: 7, Reason: ReasonMemory}}, silent},
		{"a worker at its memory does not", View{Slots: one, Workers: []Worker{ready(0, 7, func(w *Worker) { w.Memory = 100 })}}, nil, silent},
		{"a worker from before a reload gets one", View{Slots: one, Workers: []Worker{ready(0, 7, func(w *Worker) { w.Outdated = true })}},
			[]Action{{Verb: Start, Reason: ReasonReload}}, silent},

		{"the old one serves while its successor boots", View{Slots: one, Workers: []Worker{ready(0, 7, due), ready(0, 8, booting)}}, nil, at(l.BootTimeout)},
		{"and drains when it is ready", View{Slots: one, Workers: []Worker{ready(0, 7, due), ready(0, 8)}},
			[]Action{{Verb: Drain, PID: 7, Reason: ReasonRequests}}, silent},
		{"a successor that does not boot is killed, and the old one stays", View{Slots: one,
			Workers: []Worker{ready(0, 7, due), ready(0, 8, booting, func(w *Worker) { w.Started = at(-l.BootTimeout) })}},
			[]Action{{Verb: Kill, PID: 8, Reason: ReasonTimeout}}, silent},
		{"the next try waits", View{Slots: []Slot{{Crashes: 2, LastCrash: noon}}, Workers: []Worker{ready(0, 7, due)}}, nil, at(100 * time.Millisecond)},
		{"two slots that are due go one after the other", View{Slots: two, Workers: []Worker{ready(0, 7, due), ready(1, 8, due)}},
			[]Action{{Verb: Start, Slot: 0, Reason: ReasonRequests}}, silent},
		{"the second waits for the first's successor", View{Slots: two, Workers: []Worker{ready(0, 7, due), ready(1, 8, due), ready(0, 9, booting)}},
			nil, at(l.BootTimeout)},
		{"but not for its predecessor to be gone", View{Slots: two, Workers: []Worker{ready(0, 7, due, draining), ready(1, 8, due), ready(0, 9)}},
			[]Action{{Verb: Start, Slot: 1, Reason: ReasonRequests}}, at(time.Minute)},
		{"a slot has one predecessor at most", View{Slots: one, Workers: []Worker{ready(0, 7, due, draining), ready(0, 8, due)}}, nil, at(time.Minute)},
		{"a predecessor that drains for too long is killed", View{Slots: one,
			Workers: []Worker{ready(0, 7, due, draining, func(w *Worker) { w.DrainBy = noon }), ready(0, 8)}},
			[]Action{{Verb: Kill, PID: 7, Reason: ReasonTimeout}}, silent},
		{"a closing slot is emptied and not filled", View{Slots: []Slot{{}, {Closing: true}}, Workers: []Worker{ready(0, 7), ready(1, 8)}},
			[]Action{{Verb: Drain, Slot: 1, PID: 8, Reason: ReasonShrink}}, silent},

		{"a stop drains", View{Slots: one, Stopping: true, StopBy: at(time.Minute), Workers: []Worker{ready(0, 7)}},
			[]Action{{Verb: Drain, PID: 7, Reason: ReasonStop}}, at(time.Minute)},
		{"a draining worker is waited for", View{Slots: one, Stopping: true, StopBy: at(time.Minute), Workers: []Worker{ready(0, 7, draining)}},
			nil, at(time.Minute)},
		{"but not for ever", View{Slots: one, Stopping: true, StopBy: noon, Workers: []Worker{ready(0, 7, draining)}},
			[]Action{{Verb: Kill, PID: 7, Reason: ReasonStop}}, time.Time{}},
		{"a stop starts nothing", View{Slots: two, Stopping: true, StopBy: noon}, nil, time.Time{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, wake := Next(tt.view, l, noon)
			if !reflect.DeepEqual(got, tt.want) || !wake.Equal(tt.wake) {
				t.Errorf("got %+v, wake %v\nwant %+v, wake %v", got, wake.Sub(noon), tt.want, tt.wake.Sub(noon))
			}
		})
	}
}

func TestBackoffDoublesUpToItsBound(t *testing.T) {
	l := DefaultLimits()
	want := []time.Duration{0, 0, 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000}
	for crashes, ms := range want {
		if got := Backoff(crashes, l); got != ms*time.Millisecond {
			t.Errorf("after %d crashes: got %v, want %v", crashes, got, ms*time.Millisecond)
		}
	}
	if got := Backoff(1<<30, l); got != l.BackoffMost {
		t.Errorf("after very many crashes: got %v", got)
	}
}
