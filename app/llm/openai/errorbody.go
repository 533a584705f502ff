package openai

import (
	"bufio"
	"io"
	"net/http"
	"time"
)

const (
	maxCodeBytes  = 64          // length of the longest error code that is read; known codes are shorter
	maxErrorBytes = 16 << 10    // bytes of an error's body that are read
	maxErrorText  = 4 << 10     // bytes that are searched if the body is longer or not JSON
	errorGrace    = time.Second // how long to wait for an error's body
)

// errorResponse reads and classifies a response other than 200.
func errorResponse(resp *http.Response, idle *idleTimer, promptTokens int) *failure {
	now := time.Now()
	idle.startAlways(errorGrace)
	reader := bufio.NewReader(io.LimitReader(resp.Body, maxErrorBytes))
	var text io.Reader = reader
	if unzipped, err := decompressed(reader, resp.Header.Get("Content-Encoding")); err == nil && unzipped != nil {
		text = io.LimitReader(unzipped, maxErrorBytes)
	}
	body, _ := io.ReadAll(text) // use what arrived in time
	r := newReport(resp.StatusCode, body, now)
	if wait := headerWait(resp.Header, now); wait > 0 {
		r.wait = wait
	}
	return r.failure(promptTokens)
}

// errorIn returns the failure that an error object in a 200 response describes; nil if there is none. An error may be a
// plain string.
func errorIn(object rawValue, promptTokens int) *failure {
	switch string(object) {
	case "", "null", "false", `""`:
		return nil
	}
	if len(object) > maxErrorBytes {
		object = object[:maxErrorText]
	}
	r := newReport(http.StatusOK, object, time.Now())
	r.status, r.implied = r.impliedStatus()
	return r.failure(promptTokens)
}
