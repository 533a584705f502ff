package openai

import (
	"bufio"
	"io"
	"net/http"
	"time"
)

const (
	maxCodeBytes  = 64          // longest error code that is read; known ones are shorter
	maxErrorBytes = 16 << 10    // how much of an error's body is read,
	maxErrorText  = 4 << 10     // and of one that is longer or not JSON, looked through
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

// errorIn returns the failure that an error object inside a 200 stands for; nil if there is
// none. An error may be a bare string.
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
