package hub

import (
	"encoding/json"
	"time"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// passed is what another process needs to go on with a stream. It has the times that
// deadlines count from, so that no hand-over restarts one.
type passed struct {
	Session  string `json:"session"`
	Run      string `json:"run,omitempty"` // of Query.Run
	Owner    string `json:"owner,omitempty"`
	Position string `json:"at"`
	Seen     string `json:"seen,omitempty"` // the run whose events the client was sent last
	Posted   bool   `json:"posted,omitempty"`
	Opened   int64  `json:"opened"` // Unix nanoseconds, as the following
	Active   int64  `json:"active"`
	Quiet    int64  `json:"quiet"`
	Client   uint64 `json:"client,omitempty"` // whose stream it is, as it is counted (Options.Key); 0 = nobody's
}

// pass writes down what Resume needs of a stream that is no longer served here.
func (h *Hub) pass(c *client) json.RawMessage {
	now, at := time.Now(), h.now()
	nanos := func(m moment) int64 { return now.Add(-time.Duration(at-m) * tick).UnixNano() }
	// Marshalling strings and numbers cannot fail.
	stream, _ := json.Marshal(passed{
		Session: c.at.session, Run: c.at.run, Owner: c.at.owner, Position: c.at.after.String(), Seen: c.run,
		Posted: c.posted, Opened: c.since, Active: nanos(c.active), Quiet: nanos(c.quiet), Client: h.o.Key(c.place),
	})
	return stream
}

// Resume continues a stream that another process has handed over. It owns fd, but
// not where it gives an error. The client is sent a comment: its silence before the
// hand-over may have been long. It does not block.
func (h *Hub) Resume(fd int, from json.RawMessage) error {
	var p passed
	if err := json.Unmarshal(from, &p); err != nil {
		return study.Errorf(study.CodeMalformed, "a stream that was handed over does not parse")
	}
	at, err := study.ParsePosition(p.Position)
	if err != nil {
		return err
	}
	place := h.o.Add(p.Client) // before it counts as open: a client has no more streams open than places
	h.Reserve()
	h.Serve(Stream{FD: fd, Query: stream.Query{Session: p.Session, Run: p.Run, Owner: p.Owner, After: at}, Place: place, past: &p})
	return nil
}

// restore gives a client the times it had in the process before. One that lies ahead,
// for the clock was set back meanwhile, is now.
func (h *Hub) restore(c *client, p *passed) {
	now, at := time.Now(), h.now()
	back := func(nanos int64) moment {
		return at - moment(max(0, now.Sub(time.Unix(0, nanos)))/tick) //nolint:gosec // 6 years
	}
	c.since, c.run, c.posted = min(p.Opened, c.since), p.Seen, p.Posted
	c.opened, c.active, c.quiet = back(p.Opened), back(p.Active), back(p.Quiet)
}
