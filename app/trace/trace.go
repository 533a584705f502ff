// Package trace reads and passes on W3C Trace Context (https://www.w3.org/TR/trace-context/), by which a request is followed
// from service to service. The one idea: without the build tag otel, a context is only read, logged and passed on as it
// came; with it, every step becomes a span and is sent to an OpenTelemetry collector. The steps are marked either way.
package trace

import (
	"context"
	"encoding/hex"
)

// Header is the field in which a context comes and goes.
const Header = "Traceparent"

const (
	traceLen  = 16
	spanLen   = 8
	headerLen = 2 + 1 + 2*traceLen + 1 + 2*spanLen + 1 + 2 // version-trace-span-flags
)

// Context says which trace a step belongs to, and below which span. The zero value belongs to none.
type Context struct {
	trace [traceLen]byte
	span  [spanLen]byte
	flags byte
}

// Parse reads a traceparent. What is not a valid one is the zero Context and false: its sender starts no trace here.
func Parse(header string) (Context, bool) {
	if len(header) < headerLen || header[2] != '-' || header[35] != '-' || header[52] != '-' {
		return Context{}, false
	}
	version, ok := parseHex(header[:2])
	if !ok || version[0] == 0xff || version[0] == 0 && len(header) != headerLen || len(header) > headerLen && header[headerLen] != '-' {
		return Context{}, false
	}
	trace, okTrace := parseHex(header[3:35])
	span, okSpan := parseHex(header[36:52])
	flags, okFlags := parseHex(header[53:55])
	if !okTrace || !okSpan || !okFlags {
		return Context{}, false
	}
	c := Context{[traceLen]byte(trace), [spanLen]byte(span), flags[0]}
	if c.trace == [traceLen]byte{} || c.span == [spanLen]byte{} {
		return Context{}, false
	}
	return c, true
}

// parseHex decodes lower-case hexadecimal digits; upper-case ones are not valid here.
func parseHex(text string) ([]byte, bool) {
	for _, digit := range []byte(text) {
		if digit >= 'A' && digit <= 'F' {
			return nil, false
		}
	}
	value, err := hex.DecodeString(text)
	return value, err == nil
}

// Valid reports whether the context belongs to a trace.
func (c Context) Valid() bool { return c.trace != [traceLen]byte{} }

// TraceID is the trace's id as it is logged; "" = none.
func (c Context) TraceID() string {
	if !c.Valid() {
		return ""
	}
	return hex.EncodeToString(c.trace[:])
}

// String is the context as a traceparent; "" = none.
func (c Context) String() string {
	if !c.Valid() {
		return ""
	}
	return "00-" + hex.EncodeToString(c.trace[:]) + "-" + hex.EncodeToString(c.span[:]) + "-" + hex.EncodeToString([]byte{c.flags})
}

type contextKey struct{}

// With puts a trace's context into ctx. One that belongs to no trace leaves it as it is.
func With(ctx context.Context, c Context) context.Context {
	if !c.Valid() {
		return ctx
	}
	return context.WithValue(ctx, contextKey{}, c)
}

// From gives the trace's context in ctx, or the zero Context.
func From(ctx context.Context) Context {
	c, _ := ctx.Value(contextKey{}).(Context)
	return c
}

// Kind is what a span is to the service; the numbers are OTLP's.
type Kind int

// The kinds of spans.
const (
	Internal Kind = 1 // a run
	Server   Kind = 2 // a request of a client
	Client   Kind = 3 // a call of the model
)
