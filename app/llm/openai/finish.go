package openai

import (
	"strings"

	"studysharper/app/study"
)

// finish is the meaning of a finish_reason.
type finish int

const (
	goingOn        finish = iota // not given: more may follow
	finishDone                   // the model finished
	finishLength                 // a token limit was reached
	finishWithheld               // a content filter withheld the answer
	finishFailed                 // the model failed
	finishOther                  // anything else: a tool call, an abort, an unknown value
)

// finishCuts maps the reasons that leave an answer incomplete.
var finishCuts = map[finish]study.Cut{finishLength: study.CutLength, finishOther: study.CutStopped}

// finishes maps the values of OpenAI and of compatible APIs with their own values: Anthropic, Gemini, Mistral, Cohere,
// Bedrock, text-generation-inference.
var finishes = map[string]finish{
	"stop": finishDone, "end_turn": finishDone, "stop_sequence": finishDone, "eos": finishDone, "eos_token": finishDone,
	"end": finishDone, "complete": finishDone, "completed": finishDone, "finish": finishDone, "finished": finishDone,

	"length": finishLength, "max_tokens": finishLength, "max_output_tokens": finishLength, "max_completion_tokens": finishLength,
	"max_length": finishLength, "model_length": finishLength, "token_limit": finishLength, "model_context_window_exceeded": finishLength,

	"content_filter": finishWithheld, "content_filtered": finishWithheld, "guardrail_intervened": finishWithheld, "refusal": finishWithheld,
	"safety": finishWithheld, "prohibited_content": finishWithheld, "blocklist": finishWithheld, "spii": finishWithheld,
	"recitation": finishWithheld, "sensitive": finishWithheld,

	"error": finishFailed, "null": goingOn,
}

// readFinish parses a finish_reason, in upper or lower case.
func readFinish(reason jsonString) finish {
	if reason.isEmpty() {
		return goingOn
	}
	if len(reason) > maxCodeBytes {
		return finishOther
	}
	word := strings.TrimPrefix(strings.ToLower(string(reason.content())), "finish_reason_")
	if known, ok := finishes[word]; ok {
		return known
	}
	return finishOther
}
