package openai

import (
	"context"
	"encoding/json"

	"studysharper/app/study"
)

// Diagnosis is what Probe has found out.
type Diagnosis struct {
	ListStatus int    // HTTP status of /models; 0 = it could not be asked
	ListError  error  // why it could not; nil otherwise. Safe to show
	Listed     int    // number of models in the list; 0 = there is no list
	Offered    bool   // the model is in the list
	LacksV1    bool   // the list is found with /v1 after the address only
	Context    int    // tokens of the model's context; 0 = not told
	Without    string // what the model does not take, e.g. "no stream_options"; "" = it takes everything
	Call       error  // of the call, a *study.Error; nil = the model has answered
}

// probePrompt asks for one token with every parameter that answers are asked for with.
func probePrompt(effort string) study.Prompt {
	return study.Prompt{
		Turns: []study.Turn{{Role: study.RoleSystem, Text: "Answer in JSON."}, {Role: study.RoleUser, Text: `Say {"ok":true}.`}},
		JSON:  true, MaxTokens: 1, Effort: effort,
		Schema: &study.Schema{Name: "probe", Body: json.RawMessage(`{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"],"additionalProperties":false}`)},
	}
}

// Probe lists the API's models and asks the first one for a token: a call, and a few more if
// it refuses parameters. It takes 5 s and a Generate at most.
func (c *Client) Probe(ctx context.Context) Diagnosis {
	var d Diagnosis
	list, err := c.findModel(ctx, c.address.of(c.o.Model, "models"), c.o.Model)
	d.ListStatus, d.ListError, d.Listed, d.Offered = list.status, err, list.models, list.found
	if list.models == 0 && err == nil && !c.address.azure {
		more, _ := c.findModel(ctx, c.address.of(c.o.Model, "v1/models"), c.o.Model)
		d.LacksV1 = more.models > 0
	}
	if list.context > 0 {
		c.capabilities[c.o.Model].setContext(list.context)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.o.Timeout, errSilence)
	defer cancel()
	g := &generation{Client: c, onText: func(string) {}}
	_, fail := g.adaptModel(ctx, c.o.Model, probePrompt(c.o.Effort))
	if fail != nil && !fail.starved { // a token may be too few for any text
		d.Call = fail.err
	}
	known := c.capabilities[c.o.Model]
	d.Context, d.Without = known.contextTokens(), known.dialect().String()
	return d
}
