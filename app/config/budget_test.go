package config

import (
	"errors"
	"strings"
	"testing"
)

func TestBudgetNeverExceedsTheLimit(t *testing.T) {
	for workers := 1; workers <= 32; workers++ {
		for _, limit := range []int64{0, 64 * MiB, 128 * MiB, 256 * MiB, 512 * MiB, 1 << 30, 16 << 30, 1 << 40} {
			b, err := Split(limit, Config{Workers: workers, CacheMaxMB: 10, RedisURL: "redis://redis"})
			if b.Total() > b.Limit {
				t.Errorf("%d workers in %d MB: the parts add up to %d MB", workers, limit/MiB, b.Total()/MiB)
			}
			if out := int64(b.Lookups())*lookupBytes + int64(b.Queue()) + 2*b.Unsent(); err == nil && out > b.Shared {
				t.Errorf("%d workers in %d MB: Redis takes %d bytes of %d", workers, limit/MiB, out, b.Shared)
			}
			if err == nil && (b.Worker < minWorker || b.Cache+b.Context+b.Shared > b.Worker/2 || b.Context < 2 || b.Journals > b.Supervisor) {
				t.Errorf("%d workers in %d MB: %+v", workers, limit/MiB, b)
			}
			kept := b.Cache + b.Context + b.Shared
			if moving := b.Transit + int64(b.Lists())*listBytes; err == nil && (kept+moving > b.Worker*3/4 || b.Transit < 3*MiB) {
				t.Errorf("%d workers in %d MB: %d bytes are kept and %d on their way, of %d", workers, limit/MiB, kept, moving, b.Worker)
			}
		}
	}
}

func TestBudgetOfTheContainerItIsMadeFor(t *testing.T) {
	b, err := Split(512*MiB, Config{Workers: 2, CacheMaxMB: 10, MaxUploadMB: 10})
	want := Budget{Limit: 512 * MiB, Kernel: 64 * MiB, Supervisor: 64 * MiB, Journals: 32 * MiB, Worker: 96 * MiB, Workers: 4, Cache: 10 * MiB, Context: 1 * MiB, Transit: 12 * MiB, Recycle: 84 * MiB, Import: 192 * MiB, Uploads: 3}
	if err != nil || b != want {
		t.Errorf("got %+v, %v; want %+v", b, err, want)
	}
}

func TestBudgetWithoutALimitAssumesOne(t *testing.T) {
	b, err := Split(0, Config{Workers: 2, CacheMaxMB: 10})
	if err != nil || !b.Assumed || b.Limit != AssumedLimit {
		t.Errorf("got %+v, %v", b, err)
	}
}

func TestBudgetRefusesOneWorkerTooMany(t *testing.T) {
	if _, err := Split(512*MiB, Config{Workers: 8, CacheMaxMB: 10}); err != nil {
		t.Errorf("8 workers of 24 MB fit: %v", err)
	}
	_, err := Split(512*MiB, Config{Workers: 9, CacheMaxMB: 10})
	var faults Faults
	if !errors.As(err, &faults) || faults[0].Setting != "WEB_CONCURRENCY" {
		t.Errorf("9 workers do not fit, got %v", err)
	}
}

// A worker's limit is refused if an idle worker exceeds it, or if the container's limit is reached first.
func TestBudgetRefusesMemoryLimitsThatCannotWork(t *testing.T) {
	const most = (384 - 24) / 2 // MB: 512 less the kernel's, the supervisor's and a successor's, for two workers
	for mb, ok := range map[int]bool{0: true, 1: false, 7: false, 8: true, most: true, most + 1: false, 512: false, 1048576: false} {
		for _, limit := range []int64{512 * MiB, 0} {
			b, err := Split(limit, Config{Workers: 2, CacheMaxMB: 10, MaxWorkerMB: mb})
			if (err == nil) != ok || ok && mb > 0 && b.Recycle != int64(mb)*MiB {
				t.Errorf("MAX_WORKER_MEMORY_MB=%d in %d MB: %v", mb, limit/MiB, err)
			}
			faults, _ := errors.AsType[Faults](err)
			if !ok && (len(faults) != 1 || faults[0].Setting != "MAX_WORKER_MEMORY_MB" || strings.Contains(faults.Error(), "\n")) {
				t.Errorf("MAX_WORKER_MEMORY_MB=%d: got %v", mb, err)
			}
		}
	}
	if b, err := Split(128*MiB, Config{Workers: 2, CacheMaxMB: 10}); err != nil || b.Recycle < 2*minRecycle {
		t.Errorf("the default of a container of 128 MB: %d MB, %v", b.Recycle/MiB, err)
	}
}

func TestBudgetRefusesABodyThatAWorkerHasNoRoomFor(t *testing.T) {
	for kb, fits := range map[int]bool{1024: true, 6144: true, 6145: false, 16384: false} { // a quarter of 24 MB
		_, err := Split(512*MiB, Config{Workers: 8, CacheMaxMB: 10, MaxBodyKB: kb})
		var faults Faults
		if errors.As(err, &faults) == fits || !fits && faults[0].Setting != "MAX_BODY_KB" {
			t.Errorf("%d KB: %v", kb, err)
		}
	}
}
