package limit

import "context"

// Gate bounds something that processes hold, runs or streams, over all instances.
type Gate interface {
	// Admit takes one more, with take, where there is room for it over all instances, and
	// reports whether it was taken. take may refuse for reasons of its own.
	Admit(ctx context.Context, take func() bool) bool
	// Total is how many are held over all instances.
	Total() int64
}

// Unbounded is the Gate of the only container: it adds no bound to those of take. Its value
// tells how many this process holds.
type Unbounded func() int64

// Admit implements Gate.
func (Unbounded) Admit(_ context.Context, take func() bool) bool { return take() }

// Total implements Gate.
func (held Unbounded) Total() int64 { return held() }
