// Package trace implements W3C Trace Context (https://www.w3.org/TR/trace-context/), by which a request can be followed
// across services. The one idea: without the build tag otel, a context is only read, logged and passed on unchanged;
// with it, every step becomes a span and is sent to an OpenTelemetry collector. The code marks the steps in both cases.
package trace

import (
	"context"
	"encoding/hex"
)

// Header is the HTTP header that carries a context.
const Header = "Traceparent"

const (
	traceLen  = 16
	spanLen   = 8
	headerLen = 2 + 1 + 2*traceLen + 1 + 2*spanLen + 1 + 2 // version-trace-span-flags
)

// Context identifies the trace and the parent span of a step. The zero value belongs to no trace.
type Context struct {
	trace [traceLen]byte
	span  [spanLen]byte
	flags byte
}

// Parse parses a traceparent header. For an invalid one it returns the zero Context and false, so no trace is
// continued.
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

// TraceID returns the trace's id as it is logged; "" = none.
func (c Context) TraceID() string {
	if !c.Valid() {
		return ""
	}
	return hex.EncodeToString(c.trace[:])
}

// String returns the context as a traceparent header; "" = none.
func (c Context) String() string {
	if !c.Valid() {
		return ""
	}
	return "00-" + hex.EncodeToString(c.trace[:]) + "-" + hex.EncodeToString(c.span[:]) + "-" + hex.EncodeToString([]byte{c.flags})
}

type contextKey struct{}

// With returns ctx with a trace context. A context that belongs to no trace leaves ctx unchanged.
func With(ctx context.Context, c Context) context.Context {
	if !c.Valid() {
		return ctx
	}
	return context.WithValue(ctx, contextKey{}, c)
}

// From returns the trace context in ctx, or the zero Context.
func From(ctx context.Context) Context {
	c, _ := ctx.Value(contextKey{}).(Context)
	return c
}

// Kind is the role of a span; the values are OTLP's.
type Kind int

// The kinds of spans.
const (
	Internal Kind = 1 // a run
	Server   Kind = 2 // a request of a client
	Client   Kind = 3 // a call of the model
)
