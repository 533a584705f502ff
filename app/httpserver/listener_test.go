package httpserver

import (
	"testing"

	"studysharper/app/memory/shm"
	"studysharper/app/metrics"
)

func TestAWorkerWithClearlyMoreLetsItsSiblingAcceptFirst(t *testing.T) {
	board := metrics.NewBoard(shm.Local(metrics.BoardSize))
	own, _ := board.Claim(0, 1)
	other, _ := board.Claim(1, 1)
	l := &listener{conns: newConns(Options{Own: board.Worker(own)}), board: board}
	sibling := board.Worker(other)
	tests := []struct {
		name            string
		ours, theirs    int64
		state           metrics.State
		silent, heavier bool
	}{
		{"equal", 10, 10, metrics.Ready, false, false},
		{"two more", 12, 10, metrics.Ready, false, false},
		{"more than two and a tenth", 14, 10, metrics.Ready, false, true},
		{"a tenth of many", 1100, 1000, metrics.Ready, false, false},
		{"more than a tenth of many", 1103, 1000, metrics.Ready, false, true},
		{"the sibling is booting", 100, 0, metrics.Booting, false, false},
		{"the sibling leaves", 100, 0, metrics.Draining, false, false},
		{"the sibling is silent", 100, 0, metrics.Ready, true, false},
	}
	for _, tt := range tests {
		board.Worker(own).Set(metrics.Connections, tt.ours)
		sibling.Set(metrics.Streams, tt.theirs)
		sibling.Set(metrics.StateOf, int64(tt.state))
		sibling.Set(metrics.Heartbeat, metrics.Monotonic())
		if tt.silent {
			sibling.Set(metrics.Heartbeat, metrics.Monotonic()-int64(freshFor)-1)
		}
		if got := l.heavier(); got != tt.heavier {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}
