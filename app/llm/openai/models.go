package openai

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	maxListBytes = 8 << 20 // of a list of models
	listTimeout  = 5 * time.Second
)

// listing is the content of a list of models.
type listing struct {
	status  int // HTTP; 0 = there was no response
	models  int // length of the list; 0 = it is not a list
	found   bool
	context int // of the requested model; 0 = unknown
}

// findModel requests the list of models at an address and looks for one model. err says why there is no response; it is
// safe to show.
func (c *Client) findModel(ctx context.Context, address, model string) (list listing, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, listTimeout, errSilence)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return list, errors.New("the address cannot be used") // not err: it quotes the URL
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "studysharper")
	c.setKey(req.Header)
	resp, err := c.http.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		if errors.Is(context.Cause(ctx), errSilence) {
			return list, errSilence
		}
		return list, safeCause(err)
	}
	defer func() { _ = resp.Body.Close() }()
	list.status = resp.StatusCode
	if resp.StatusCode == http.StatusOK {
		list.read(io.LimitReader(resp.Body, maxListBytes), model)
	}
	return list, nil
}

// wireModel is an entry of a list of models, with the fields for its context size: of OpenRouter and Together, vLLM,
// Groq, Mistral, LM Studio, Gemini and llama.cpp.
type wireModel struct {
	ID            string     `json:"id"`
	Name          string     `json:"name"`
	ContextLength wireNumber `json:"context_length"`
	MaxModelLen   wireNumber `json:"max_model_len"`
	ContextWindow wireNumber `json:"context_window"`
	MaxContext    wireNumber `json:"max_context_length"`
	Loaded        wireNumber `json:"loaded_context_length"`
	InputLimit    wireNumber `json:"inputTokenLimit"`
	Meta          struct {
		Context wireNumber `json:"n_ctx"`
		Trained wireNumber `json:"n_ctx_train"`
	} `json:"meta"`
}

// context returns the size of the model's context in tokens; 0 = unknown. The loaded size takes precedence over the
// model's maximum.
func (m wireModel) context() int {
	for _, n := range []wireNumber{m.Loaded, m.Meta.Context, m.MaxModelLen, m.ContextLength, m.ContextWindow, m.MaxContext, m.InputLimit, m.Meta.Trained} {
		if n > 0 {
			return int(n)
		}
	}
	return 0
}

// read reads a list of models, bare or in fields of an object (llama.cpp has two), one entry at a time, because
// OpenRouter's has 1 MB. Entries read before a fault are used.
func (l *listing) read(body io.Reader, model string) {
	names := namesOf(model)
	best := len(names)
	d := json.NewDecoder(body)
	for {
		token, err := d.Token()
		if err != nil {
			return
		}
		if token != json.Delim('[') {
			continue // the structure around the lists
		}
		for n := 1; d.More(); n++ {
			var m wireModel
			if d.Decode(&m) != nil {
				return
			}
			if m.ID != "" || m.Name != "" {
				l.models = max(l.models, n)
			}
			i := slices.IndexFunc(names, func(name string) bool { return m.ID == name || m.Name == name })
			if i >= 0 && (i < best || i == best && l.context == 0) {
				best, l.found, l.context = i, true, m.context()
			}
		}
	}
}

// namesOf returns the names that a list may use for a model, the best first: Gemini lists models/ID, Ollama ID:latest,
// and OpenRouter ID for ID:nitro.
func namesOf(model string) []string {
	base, _, _ := strings.Cut(model, ":")
	return []string{model, "models/" + model, model + ":latest", base}
}
