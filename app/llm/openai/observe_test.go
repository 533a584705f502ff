package openai

import (
	"slices"
	"testing"
	"time"

	"studysharper/app/study"
	"studysharper/loadtest/fakellm"
)

func TestEachCallThatIsMadeIsObservedAndARefusedOneIsNot(t *testing.T) {
	server, o := fake(t, fakellm.Rule{Fault: fakellm.Status, Status: 500, Times: 1})
	var tokens int
	var models []string
	var codes []study.Code
	o.Observe = func(model string, took time.Duration, answer study.Answer, err error) {
		code := study.Code("ok")
		if err != nil {
			code = study.AsError(err).Code
		}
		if took <= 0 {
			t.Errorf("it took %v", took)
		}
		models, tokens, codes = append(models, model), tokens+answer.PromptTokens+answer.CompletionTokens, append(codes, code)
	}
	c := client(t, o)
	if _, err := c.Generate(t.Context(), prompt(), nil); err != nil {
		t.Fatal(err)
	}
	if len(codes) != 2 || !slices.Equal(models, []string{"first", "first"}) || codes[0] != study.CodeUpstreamUnavailable || codes[1] != "ok" || tokens != 14 || server.Counts().Calls != 2 {
		t.Errorf("observed %v of %v, %d tokens", codes, models, tokens)
	}
	c.breakers["first"].enter(true, time.Minute)
	if _, err := c.Generate(t.Context(), prompt(), nil); err == nil || len(codes) != 2 {
		t.Errorf("with an open breaker: %v, observed %v", err, codes)
	}
}
