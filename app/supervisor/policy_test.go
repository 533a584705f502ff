package supervisor

import (
	"reflect"
	"testing"
	"time"

	"studysharper/app/metrics"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return noon.Add(d) }

func TestNextDecides(t *testing.T) {
	l := DefaultLimits()
	ready := Worker{Slot: 0, PID: 7, State: metrics.Ready, Started: at(-time.Hour), LastAlive: noon}
	with := func(change func(*Worker)) []Worker {
		w := ready
		change(&w)
		return []Worker{w}
	}
	tests := []struct {
		name string
		view View
		want []Action
		wake time.Time
	}{
		{"an empty slot gets a worker", View{Slots: make([]Slot, 2)},
			[]Action{{Verb: Start, Slot: 0}, {Verb: Start, Slot: 1}}, time.Time{}},
		{"a healthy worker is left alone until its next heartbeat is due", View{Slots: make([]Slot, 1), Workers: []Worker{ready}},
			nil, at(l.WorkerTimeout)},
		{"one crash costs no pause", View{Slots: []Slot{{Crashes: 1, LastCrash: noon}}},
			[]Action{{Verb: Start}}, time.Time{}},
		{"two crashes in a row cost one", View{Slots: []Slot{{Crashes: 2, LastCrash: noon}}},
			nil, at(100 * time.Millisecond)},
		{"the pause ends", View{Slots: []Slot{{Crashes: 2, LastCrash: at(-100 * time.Millisecond)}}},
			[]Action{{Verb: Start}}, time.Time{}},
		{"a worker that never gets ready is killed", View{Slots: make([]Slot, 1), Workers: with(func(w *Worker) {
			w.State, w.Started = metrics.Booting, at(-l.BootTimeout)
		})}, []Action{{Verb: Kill, PID: 7, Reason: ReasonTimeout}}, time.Time{}},
		{"but not a moment early", View{Slots: make([]Slot, 1), Workers: with(func(w *Worker) {
			w.State, w.Started = metrics.Booting, at(-l.BootTimeout+time.Nanosecond)
		})}, nil, at(time.Nanosecond)},
		{"a silent worker is killed", View{Slots: make([]Slot, 1), Workers: with(func(w *Worker) { w.LastAlive = at(-l.WorkerTimeout) })},
			[]Action{{Verb: Kill, PID: 7, Reason: ReasonTimeout}}, time.Time{}},
		{"a killed worker's slot is filled at once", View{Slots: make([]Slot, 1), Workers: with(func(w *Worker) { w.Killed = true })},
			[]Action{{Verb: Start}}, time.Time{}},
		{"a stop drains", View{Slots: make([]Slot, 1), Stopping: true, StopBy: at(time.Minute), Workers: []Worker{ready}},
			[]Action{{Verb: Drain, PID: 7, Reason: ReasonStop}}, at(time.Minute)},
		{"a draining worker is waited for", View{Slots: make([]Slot, 1), Stopping: true, StopBy: at(time.Minute),
			Workers: with(func(w *Worker) { w.DrainedAt, w.State = noon, metrics.Draining })}, nil, at(time.Minute)},
		{"but not for ever", View{Slots: make([]Slot, 1), Stopping: true, StopBy: noon,
			Workers: with(func(w *Worker) { w.DrainedAt, w.State = noon, metrics.Draining })},
			[]Action{{Verb: Kill, PID: 7, Reason: ReasonStop}}, time.Time{}},
		{"a stop starts nothing", View{Slots: make([]Slot, 2), Stopping: true, StopBy: noon}, nil, time.Time{}},
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
