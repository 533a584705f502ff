// Package httpapi is the face of the service: the only package that knows Fiber.
// It turns requests into the vocabulary's words, hands them on, and turns results
// and errors back into JSON; it decides nothing about studying. The one idea: all
// that every request has in common (id, bounds, accounting, log line, panic) is in
// edge, around handlers of a dozen lines that return values or errors.
package httpapi
