//go:build !otel

package trace

// Span is a step of a trace. Without the build tag otel, there are no spans.
type Span struct{}

// Begin starts a step below c. The returned context is for what the step calls; here it is c itself. The span may be
// nil.
func (c Context) Begin(Kind, string) (Context, *Span) { return c, nil }

// Name sets the step's name if that is known only later.
func (*Span) Name(string) {}

// Set adds an attribute, a string or an int.
func (*Span) Set(string, any) {}

// End ends the step; with an error, the step has failed.
func (*Span) End(error) {}

// Flush sends the remaining spans. It is called at the end of the process.
func Flush() {}
