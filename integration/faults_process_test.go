package integration

import (
	"net/http"
	"syscall"
	"time"
)

// processFaults are those of workers and their supervisor.
var processFaults = []fault{
	{
		id: "P6", what: "a worker is killed while it is idle", sees: "nothing", lost: "nothing", well: time.Second,
		test: func(i *incident) {
			h := startOnHost(i.T, image, map[string]string{})
			victim := h.workers[0]
			began := time.Now()
			if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
				i.Fatal(err)
			}
			failed := 0
			for len(h.workersNow(i.T)) < 2 || h.metrics(i.T).ready() < 2 {
				if got, err := h.send(http.MethodGet, "/livez", nil); err != nil || got.status != http.StatusOK {
					failed++
				}
				if time.Since(began) > readyWithin {
					i.Fatal("there is no successor")
				}
			}
			i.well(time.Since(began))
			if failed > 0 {
				i.Errorf("%d requests failed", failed)
			}
		},
	},
}

// ready is how many workers serve.
func (m adminMetrics) ready() (n int) {
	for _, worker := range m.Workers {
		if worker.State == "ready" {
			n++
		}
	}
	return n
}
