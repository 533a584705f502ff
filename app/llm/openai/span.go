package openai

import (
	"studysharper/app/study"
	"studysharper/app/trace"
)

// endSpan ends the span of a call, with the attributes of OpenTelemetry's conventions.
func endSpan(span *trace.Span, model string, answer study.Answer, fail *failure) {
	if span == nil {
		return
	}
	span.Set("gen_ai.operation.name", "chat")
	span.Set("gen_ai.request.model", model)
	if fail != nil {
		span.End(fail.err)
		return
	}
	span.Set("gen_ai.response.model", answer.Model)
	span.End(nil)
}
