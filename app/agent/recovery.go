package agent

import (
	"encoding/json"

	"studysharper/app/study"
)

// Takeover reruns a run whose process died, under its own id. It is Start, but the session's
// journal already has the run's first events. Its progress is sent again. Errors are
// Start's, and CodeNotFound where another worker took the run first.
// A run that is not let in here may be let in elsewhere, so it is not counted as shed.
func (n *Runner) Takeover(req study.Request, runID string) error {
	return n.start(req, Run{ID: runID, Takeover: true}, n.admit)
}

// encodeRequest writes a request down for DecodeRequest, whole. What cannot be
// written down is nil: the run is then not rerun.
func encodeRequest(req study.Request) []byte {
	raw, err := json.Marshal(req)
	if err != nil {
		return nil
	}
	return raw
}

// DecodeRequest reads Run.Request. The error, CodeMalformed, holds nothing of it.
func DecodeRequest(raw []byte) (req study.Request, err error) {
	if json.Unmarshal(raw, &req) != nil {
		return study.Request{}, study.Errorf(study.CodeMalformed, "the request of a run does not parse")
	}
	return req, nil
}
