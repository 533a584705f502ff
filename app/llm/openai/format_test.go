package openai

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"studysharper/app/study"
)

// structured returns a prompt for an answer with a schema.
func structured() study.Prompt {
	p := prompt()
	p.JSON, p.Schema = true, &study.Schema{Name: "card", Body: json.RawMessage(`{"type":"object"}`)}
	return p
}

// formatOf returns the type of a request's response_format; "" = none.
func formatOf(r map[string]any) string {
	format, _ := r["response_format"].(map[string]any)
	kind, _ := format["type"].(string)
	return kind
}

func TestTheStrictestFormatThatAModelTakesIsAskedFor(t *testing.T) {
	for name, test := range map[string]struct {
		refused string // types of response_format, each with the upstream's text
		body    string
		want    []string // formats requested by two requests with a schema, and one without
	}{
		"every format": {"", "", []string{"json_schema", "json_schema", "json_object"}},
		"no schemas": {"json_schema", `{"error":{"message":"Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.","param":"response_format"}}`,
			[]string{"json_schema", "json_object", "json_object", "json_object"}},
		"no such schema": {"json_schema", `[{"error":{"code":400,"message":"Unknown name \"additionalProperties\" at 'generation_config.response_schema'","status":"INVALID_ARGUMENT"}}]`,
			[]string{"json_schema", "json_object", "json_object", "json_object"}},
		"schemas only": {"json_object", `{"error":"'response_format.type' must be 'json_schema' or 'text'"}`,
			[]string{"json_schema", "json_schema", "json_object", ""}},
		"no formats": {"json_schema json_object", `{"error":{"message":"This response_format type is unavailable now","type":"invalid_request_error"}}`,
			[]string{"json_schema", "json_object", "", "", ""}},
	} {
		var asked []string
		up := &picky{refuse: func(r map[string]any) (int, string) {
			format := formatOf(r)
			asked = append(asked, format)
			if format != "" && strings.Contains(test.refused, format) {
				return 400, test.body
			}
			return 0, ""
		}}
		c, plain := up.client(t), prompt()
		plain.JSON = true
		for _, p := range []study.Prompt{structured(), structured(), plain} {
			if _, err := c.Generate(t.Context(), p, nil); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if !slices.Equal(asked, test.want) {
			t.Errorf("%s: asked for %q, want %q", name, asked, test.want)
		}
	}
}

func TestASchemaIsSentAsStrict(t *testing.T) {
	up := &picky{refuse: func(map[string]any) (int, string) { return 0, "" }}
	if _, err := up.client(t).Generate(t.Context(), structured(), nil); err != nil {
		t.Fatal(err)
	}
	sent, _ := json.Marshal(up.last["response_format"])
	if want := `{"json_schema":{"name":"card","schema":{"type":"object"},"strict":true},"type":"json_schema"}`; string(sent) != want {
		t.Errorf("sent %s, want %s", sent, want)
	}
}

func TestAnEffortIsSentUntilTheModelRefusesIt(t *testing.T) {
	var asked []any
	up := &picky{refuse: func(r map[string]any) (int, string) {
		asked = append(asked, r["reasoning_effort"])
		if r["reasoning_effort"] != nil {
			return 422, `{"detail":[{"type":"extra_forbidden","loc":["body","reasoning_effort"],"msg":"Extra inputs are not permitted"}]}`
		}
		return 0, ""
	}}
	c := up.client(t)
	c.o.Effort = "low"
	for range 2 {
		if _, err := c.Generate(t.Context(), prompt(), nil); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(asked, []any{"low", nil, nil}) {
		t.Errorf("asked for %v", asked)
	}
}

func TestAnAnswerTakesNoMoreCallsThanThePromptAllows(t *testing.T) {
	up := &picky{refuse: func(map[string]any) (int, string) { return 404, "" }}
	c := up.client(t)
	c.o.Fallbacks = []string{"first", "first", "first"}
	p := prompt()
	p.MaxCalls = 2
	answer, err := c.Generate(t.Context(), p, nil)
	wantCode(t, err, study.CodeUpstreamRefused)
	if up.calls != 2 || answer.Calls != 2 {
		t.Errorf("%d calls, %d reported", up.calls, answer.Calls)
	}
}

func TestTheCostOfAllCallsIsTold(t *testing.T) {
	body := `{"choices":[{"message":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":"2","cost":0.5}}`
	c := served(t, "application/json", body)
	answer, _ := c.Generate(t.Context(), prompt(), nil)
	if want := (study.Answer{Model: "first", Tokens: 10, PromptTokens: 6, CompletionTokens: 4, Cost: 1, Calls: 2}); !reflect.DeepEqual(answer, want) {
		t.Errorf("got %+v, want %+v", answer, want)
	}
}
