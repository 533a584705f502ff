//go:build otel

package trace

import (
	"crypto/rand"
	"time"
)

const sampled = 1 // trace flag: the caller records its spans

// Span is a step of a trace.
type Span struct {
	context    Context
	parent     [spanLen]byte
	kind       Kind
	name       string
	began      time.Time
	ended      time.Time
	attributes []attribute
	failure    string // the error's code or text; "" = none
}

type attribute struct {
	key   string
	value any
}

// Begin starts a step below c, or of a new trace. The returned context is for what the step calls.
func (c Context) Begin(kind Kind, name string) (Context, *Span) {
	s := &Span{context: c, parent: c.span, kind: kind, name: name, began: time.Now()}
	if !c.Valid() {
		_, _ = rand.Read(s.context.trace[:]) // never fails
		s.context.flags = sampled
	}
	_, _ = rand.Read(s.context.span[:])
	return s.context, s
}

// Name sets the step's name if that is known only later.
func (s *Span) Name(name string) {
	if s != nil {
		s.name = name
	}
}

// Set adds an attribute, a string or an int.
func (s *Span) Set(key string, value any) {
	if s != nil {
		s.attributes = append(s.attributes, attribute{key, value})
	}
}

// End ends the step; with an error, the step has failed. If the caller does not record its spans, the step's is not
// sent.
func (s *Span) End(err error) {
	if s == nil || s.context.flags&sampled == 0 {
		return
	}
	s.ended = time.Now()
	if err != nil {
		s.failure = err.Error()
	}
	exporter().take(s)
}

// Flush sends the remaining spans, for two seconds at most. It is called at the end of the process.
func Flush() { exporter().flush(flushTime) }
