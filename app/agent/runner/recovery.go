package runner

import (
	"encoding/json"

	"studysharper/app/study"
)

// Takeover reruns a run whose process died, under its own id. It works like Start, but the session's journal already
// contains the run's first events; its progress is sent again. Errors are those of Start, and CodeNotFound if another
// worker took over the run first. A refusal at capacity does not count as shed, because another worker may admit the
// run.
func (n *Runner) Takeover(req study.Request, runID string) error {
	return n.start(req, Run{ID: runID, Takeover: true}, n.admit, nil)
}

// encodeRequest encodes a request for DecodeRequest. It returns nil if that fails; the run cannot be taken over then.
func encodeRequest(req study.Request) []byte {
	raw, err := json.Marshal(req)
	if err != nil {
		return nil
	}
	return raw
}

// DecodeRequest decodes Run.Request. Its error, CodeMalformed, contains no text of the request.
func DecodeRequest(raw []byte) (req study.Request, err error) {
	if json.Unmarshal(raw, &req) != nil {
		return study.Request{}, study.Errorf(study.CodeMalformed, "the request of a run does not parse")
	}
	return req, nil
}
