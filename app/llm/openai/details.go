package openai

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"studysharper/app/study"
)

const (
	maxErrorBytes = 16 << 10    // of an error's body that are read
	errorGrace    = time.Second // for an error's body to come
)

// details are what an error object says beyond its code, in OpenRouter's shape.
type details struct {
	flagged bool          // the prompt, by a moderator before the model
	reset   time.Duration // until a rate limit is over; 0 = not said
}

// readDetails looks into an error object's metadata. What it cannot read is not said.
func readDetails(object raw, now time.Time) details {
	var e struct {
		Metadata struct {
			Reasons raw `json:"reasons"`
			Headers struct {
				Reset raw `json:"X-RateLimit-Reset"`
			} `json:"headers"`
		} `json:"metadata"`
	}
	_ = json.Unmarshal(object, &e) // an object of another shape says nothing
	return details{flagged: strings.HasPrefix(string(e.Metadata.Reasons), "["), reset: untilReset(e.Metadata.Headers.Reset, now)}
}

// untilReset reads a time in Unix milliseconds, a number or a string.
func untilReset(at raw, now time.Time) time.Duration {
	if len(at) > maxCodeBytes {
		return 0
	}
	millis, err := strconv.ParseInt(strings.Trim(string(at), `"`), 10, 64)
	if err != nil || millis <= now.UnixMilli() {
		return 0
	}
	// Compared before multiplying, which would overflow.
	return time.Duration(min(millis-now.UnixMilli(), maxRetryAfter.Milliseconds())) * time.Millisecond
}

// refusal says what an answer other than 200 means. Of its body only the details of
// the two statuses are read that mean several things.
func refusal(resp *http.Response, w *watch) *failure {
	now := time.Now()
	wait := retryAfter(resp.Header, now)
	var d details
	if s := resp.StatusCode; s == http.StatusForbidden || s == http.StatusTooManyRequests && wait == 0 {
		w.demand(errorGrace)
		var body struct {
			Error raw `json:"error"`
		}
		read, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes)) // what came in time is what there is
		_ = json.Unmarshal(read, &body)
		d = readDetails(body.Error, now)
	}
	return d.failure(resp.StatusCode, max(wait, d.reset))
}

// failure is statusFailure, but for a prompt that was flagged.
func (d details) failure(status int, wait time.Duration) *failure {
	if status == http.StatusForbidden && d.flagged {
		return &failure{next: giveUp, err: study.Errorf(study.CodeWithheld, "the model's moderation refused the request")}
	}
	return statusFailure(status, wait)
}
