package fakellm

import (
	"encoding/json"
	"net/http"
)

// maxControlBytes bounds the body of PUT /control.
const maxControlBytes = 1 << 20

// Control is the body of /control: PUT accepts Rules, GET returns both, DELETE calls Reset.
type Control struct {
	Rules  []Rule `json:"rules"`
	Counts Counts `json:"counts"`
}

func (s *Server) showControl(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	state := Control{Rules: make([]Rule, len(s.rules)), Counts: s.counts}
	for i, r := range s.rules {
		state.Rules[i] = r.Rule
	}
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, state)
}

func (s *Server) putControl(w http.ResponseWriter, r *http.Request) {
	var state Control
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControlBytes))
	dec.DisallowUnknownFields()
	err := dec.Decode(&state)
	if err == nil {
		err = s.SetRules(state.Rules...)
	}
	if err != nil {
		writeRefusal(w, err)
		return
	}
	s.showControl(w, r)
}

func (s *Server) deleteControl(w http.ResponseWriter, r *http.Request) {
	s.Reset()
	s.showControl(w, r)
}
