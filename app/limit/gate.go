package limit

import "context"

// Gate limits the number of runs or streams over all instances.
type Gate interface {
	// Admit calls take if there is room for one more over all instances, and reports whether it was taken. take may
	// refuse for its own reasons.
	Admit(ctx context.Context, take func() bool) bool
	// Total returns how many there are over all instances.
	Total() int64
}

// Unbounded is the Gate of a container that runs alone: it adds no limit to take's own. Its value returns this
// process's number.
type Unbounded func() int64

// Admit implements Gate.
func (Unbounded) Admit(_ context.Context, take func() bool) bool { return take() }

// Total implements Gate.
func (held Unbounded) Total() int64 { return held() }
