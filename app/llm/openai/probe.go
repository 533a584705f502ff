package openai

import (
	"context"
	"encoding/json"

	"studysharper/app/study"
)

// Diagnosis is the result of Probe.
type Diagnosis struct {
	ListStatus int    // HTTP status of /models; 0 = there was no response
	ListError  error  // why there was none; nil otherwise. Safe to show
	Listed     int    // number of models in the list; 0 = there is no list
	Offered    bool   // the model is in the list
	LacksV1    bool   // the list is found only with /v1 appended to the address
	Context    int    // tokens of the model's context; 0 = unknown
	Without    string // what the model does not accept, e.g. "no stream_options"; "" = it accepts everything
	Call       error  // error of the call, a *study.Error; nil = the model has answered
}

// probePrompt requests one token, with every parameter that requests for answers use.
func probePrompt(effort string) study.Prompt {
	return study.Prompt{
		Turns: []study.Turn{{Role: study.RoleSystem, Text: "Answer in JSON."}, {Role: study.RoleUser, Text: `Say {"ok":true}.`}},
		JSON:  true, MaxTokens: 1, Effort: effort,
		Schema: &study.Schema{Name: "probe", Body: json.RawMessage(`{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"],"additionalProperties":false}`)},
	}
}

// Probe lists the API's models and requests one token from the first one: one call, and a few more if the API refuses
// parameters. It needs at most 10 s plus Options.Timeout.
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
	if fail != nil && !fail.starved { // one token may be too few for any text
		d.Call = fail.err
	}
	known := c.capabilities[c.o.Model]
	d.Context, d.Without = known.contextTokens(), known.dialect().String()
	return d
}
