package child

import (
	"context"
	"os"
	"time"

	"studysharper/app/study"
)

const (
	// turnPoll is the interval at which a waiting file checks whether it is its turn, because the lock is a word in
	// shared memory.
	turnPoll = 50 * time.Millisecond
	// leastMemory is the memory that the program itself needs.
	leastMemory = 48 << 20
)

// Reader reads files, one at a time in the whole container.
type Reader struct {
	Turn func() (release func(), ok bool) // tries to acquire the container's only slot
	Room func() int64                     // bytes of memory that the container has left
	Wait time.Duration                    // limit of the wait for the slot and for memory
	Time time.Duration                    // limit of reading; at most 25 s
	Order
}

// Extract waits for its turn, and until the container has enough memory for a process, and reads a file. It returns
// CodeOverloaded after Reader.Wait. The other errors are those of Run.
func (r *Reader) Extract(ctx context.Context, file *os.File, extension string) (study.Extraction, error) {
	release, memory, err := r.begin(ctx)
	if err != nil {
		return study.Extraction{}, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, r.Time)
	defer cancel()
	order := r.Order
	order.Extension, order.Memory = extension, memory
	return Run(ctx, file, order)
}

func (r *Reader) begin(ctx context.Context) (release func(), memory int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.Wait)
	defer cancel()
	tick := time.NewTicker(turnPoll)
	defer tick.Stop()
	for {
		if release, ok := r.Turn(); ok {
			if memory := min(r.Room(), r.Memory); memory >= leastMemory {
				return release, memory, nil
			}
			release()
		}
		select {
		case <-ctx.Done():
			return nil, 0, &study.Error{Code: study.CodeOverloaded, Message: "too many files are being read", RetryAfter: 5 * time.Second}
		case <-tick.C:
		}
	}
}
