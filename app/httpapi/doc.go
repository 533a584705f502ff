// Package httpapi is the HTTP API of the service, and the only package that uses Fiber. It parses requests, passes them
// on, and turns results and errors into JSON; it makes no decisions about studying. What all requests have in common
// (id, accounting, log line, panics) is in middleware, around handlers of a dozen lines that return errors.
package httpapi
