package journal

import (
	"context"
	"time"
)

// queueState is the state of an item in a workQueue. One worker serves an item at a time; if it is pushed during that
// time, it is served once more.
type queueState struct{ waits, served, again bool }

func (t *queueState) place() *queueState { return t }

// workQueue is a queue of items to be served, without duplicates. The Journal's lock guards it.
type workQueue[T interface{ place() *queueState }] struct {
	items []T
	more  chan struct{}
}

func newWorkQueue[T interface{ place() *queueState }]() workQueue[T] {
	return workQueue[T]{more: make(chan struct{}, workers)}
}

func (l *workQueue[T]) push(item T) {
	switch t := item.place(); {
	case t.served:
		t.again = true
	case !t.waits:
		t.waits = true
		l.items = append(l.items, item)
		select {
		case l.more <- struct{}{}:
		default:
		}
	}
}

func (l *workQueue[T]) pop() (item T, ok bool) {
	if len(l.items) == 0 {
		l.items = nil // releases the memory of a burst
		return item, false
	}
	item = l.items[0]
	clear(l.items[:1])
	l.items = l.items[1:]
	t := item.place()
	t.waits, t.served = false, true
	return item, true
}

func (l *workQueue[T]) done(item T) {
	t := item.place()
	t.served = false
	if t.again {
		t.again = false
		l.push(item)
	}
}

// drainQueue serves the queue until ctx ends. If f fails, the item is served again after a pause.
func drainQueue[T interface{ place() *queueState }](ctx context.Context, j *Journal, l *workQueue[T], f func(context.Context, T) bool) {
	for {
		j.mu.Lock()
		item, ok := l.pop()
		j.mu.Unlock()
		if !ok {
			select {
			case <-l.more:
				continue
			case <-ctx.Done():
				return
			}
		}
		failed := !f(ctx, item)
		if failed {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
		j.mu.Lock()
		if failed {
			item.place().again = true
		}
		l.done(item)
		j.mu.Unlock()
		if failed && ctx.Err() != nil {
			return
		}
	}
}
