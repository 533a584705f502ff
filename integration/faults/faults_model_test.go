package faults

import (
	"time"

	"studysharper/loadtest/fakellm"
)

const (
	atOnce = 2 * time.Second // for recovery with the next request, on a busy machine
	// breakerFor is how long a model that failed five times in a row is not called, plus room for the next request.
	breakerFor = 8 * time.Second
)

// modelFaults are what the model's API may do to a call.
var modelFaults = []fault{
	{
		id: "L1", what: "the model's API rejects the server's key", sees: "502 `upstream_refused`, or a stream's `error`; no answer contains the key", lost: "the answer",
		well: atOnce, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.Status, Status: 401}, status: 502, code: "upstream_refused"}.test,
	},
	{
		id: "L2a", what: "the model's API answers 429 and asks for a wait of more than 5 s", sees: "503 `rate_limited` with its `Retry-After`, at once", lost: "the answer",
		well: breakerFor, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.Status, Status: 429, RetryAfter: "6"}, status: 503, code: "rate_limited"}.test,
	},
	{
		id: "L2b", what: "the model's API answers 429 once, for a second", sees: "the answer, a second later; a stream says why", lost: "nothing",
		well: atOnce, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.Status, Status: 429, RetryAfter: "1", Times: 1}, status: 200}.test,
	},
	{
		id: "L2c", what: "the model's API answers 429 and does not say how long to wait", sees: "503 `rate_limited`, after one more try", lost: "the answer",
		well: breakerFor, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.Status, Status: 429}, status: 503, code: "rate_limited"}.test,
	},
	{
		id: "L3a", what: "the model's API answers 500 once", sees: "the answer", lost: "nothing",
		well: atOnce, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.Status, Status: 500, Times: 1}, status: 200}.test,
	},
	{
		id: "L3b", what: "the model's API answers 500", sees: "503 `upstream_unavailable`, after one more try", lost: "the answer",
		well: breakerFor, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.Status, Status: 500}, status: 503, code: "upstream_unavailable"}.test,
	},
	{
		id: "L5", what: "the model does not answer at all", sees: "504 `upstream_timeout` after `LLM_TIMEOUT`", lost: "the answer",
		well: breakerFor, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.Hang}, status: 504, code: "upstream_timeout", atOnce: true}.test,
	},
	{
		id: "L6a", what: "the model falls silent after its headers", sees: "504 `upstream_timeout` after `LLM_TIMEOUT`", lost: "the answer",
		well: breakerFor, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.HangAfterHeaders}, status: 504, code: "upstream_timeout", atOnce: true}.test,
	},
	{
		id: "L6b", what: "the model falls silent in the middle of an answer", sees: "504; a stream has the text so far and then an `error`", lost: "the rest of the answer",
		well: breakerFor, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.HangMidway, AfterTokens: 3}, status: 504, code: "upstream_timeout", atOnce: true}.test,
	},
	{
		id: "L7a", what: "the model's answer is cut in the middle", sees: "502 or 503; a stream has the text so far and then an `error`, never a `complete`", lost: "the rest of the answer",
		well: breakerFor, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.Cut, AfterTokens: 3}, status: 502, code: "upstream_failed"}.test,
	},
	{
		id: "L7b", what: "the model's connection is reset in the middle of an answer", sees: "the same", lost: "the rest of the answer",
		well: breakerFor, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.Reset, AfterTokens: 3}, status: 502, code: "upstream_failed"}.test,
	},
	{
		id: "L7c", what: "the model's answer ends early, as if complete", sees: "502; a stream has the text so far, and its `complete` warns that the answer is incomplete", lost: "the rest of the answer",
		well: breakerFor, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.EarlyEnd, AfterTokens: 3}, status: 502, code: "upstream_failed", end: "complete"}.test,
	},
	{
		id: "L7d", what: "the model's answer ends inside a chunk", sees: "502; a stream has the text so far and then an `error`, never a `complete`", lost: "the rest of the answer",
		well: breakerFor, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.TruncatedChunk, AfterTokens: 3}, status: 502, code: "upstream_failed"}.test,
	},
	{
		id: "L8a", what: "the model answers garbage", sees: "502 `upstream_failed`, without any of its text", lost: "the answer",
		well: breakerFor, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.Garbage}, status: 502, code: "upstream_failed"}.test,
	},
	{
		id: "L8b", what: "the model answers an HTML page with status 200", sees: "502 `upstream_refused`, without any of its text", lost: "the answer",
		well: breakerFor, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.HTML}, status: 502, code: "upstream_refused"}.test,
	},
	{
		id: "L8c", what: "the model does not speak HTTP", sees: "503 `upstream_unavailable`", lost: "the answer",
		well: breakerFor, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.NotHTTP}, status: 503, code: "upstream_unavailable"}.test,
	},
	{
		id: "L8d", what: "the model answers nothing, with status 200", sees: "502 `upstream_failed`", lost: "the answer",
		well: breakerFor, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.Empty}, status: 502, code: "upstream_failed"}.test,
	},
	{
		id: "L8e", what: "two lines of the model's stream are not valid events", sees: "a stream and cards continue; a client that waits for a chat gets 502", lost: "nothing of a stream",
		well: atOnce, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.BadLines, Lines: 2, AfterTokens: 2}, status: 502, code: "upstream_failed", cardsStatus: 200, end: "complete"}.test,
	},
	{
		id: "L8f", what: "the model's stream contains an error in the middle", sees: "502; a stream has the text so far and then an `error`", lost: "the rest of the answer",
		well: breakerFor, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.ErrorMidway, Status: 502, AfterTokens: 2}, status: 502, code: "upstream_failed", cardsStatus: 503, cardsCode: "upstream_unavailable", end: "upstream_unavailable"}.test,
	},
	{
		id: "L9a", what: "the model answers 100 MB", sees: "502 `upstream_failed`; no worker is lost", lost: "the answer",
		well: breakerFor, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.Huge}, status: 502, code: "upstream_failed"}.test,
	},
	{
		id: "L9b", what: "the model's answer never ends", sees: "the same", lost: "the answer",
		well: breakerFor, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.Endless}, status: 502, code: "upstream_failed"}.test,
	},
	{
		id: "L9c", what: "a line of the model's answer never ends", sees: "the same", lost: "the answer",
		well: breakerFor, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.EndlessLine}, status: 502, code: "upstream_failed"}.test,
	},
	{
		id: "L10", what: "the model is slow: a second to its first word", sees: "the answer, when it is ready", lost: "nothing",
		well: atOnce, test: misbehaviour{rule: fakellm.Rule{LatencyMS: 1000}, status: 200, atOnce: true}.test,
	},
	{
		id: "L18", what: "the model's own filter withholds the answer", sees: "422 `withheld`", lost: "the answer",
		well: atOnce, test: misbehaviour{rule: fakellm.Rule{Fault: fakellm.Filtered}, status: 422, code: "withheld"}.test,
	},
}
