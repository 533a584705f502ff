package agent

import (
	"encoding/json"

	"studysharper/app/study"
)

// Takeover makes a run again whose process died, under its own id: Start, but the
// session's journal has its beginning already. Its progress is told anew. Errors are
// Start's, and CodeNotFound where the journal says that somebody else was faster.
// A run that is not let in here may be let in elsewhere, so it is not counted as shed.
func (n *Runner) Takeover(req study.Request, runID string) error {
	return n.start(req, Run{ID: runID, Takeover: true}, n.admit)
}

// encodeRequest writes a request down for DecodeRequest, whole. What cannot be
// written down is nil: the run is then not made again.
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
