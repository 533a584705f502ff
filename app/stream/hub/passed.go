package hub

import (
	"encoding/json"
	"time"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// passed is what another process needs to continue a stream. It includes the times from
// which deadlines are measured, so that a hand-over restarts none of them.
type passed struct {
	Session  string `json:"session"`
	Run      string `json:"run,omitempty"` // of Query.Run
	Owner    string `json:"owner,omitempty"`
	Position string `json:"at"`
	Seen     string `json:"seen,omitempty"` // the run whose events the client was sent last
	Posted   bool   `json:"posted,omitempty"`
	Opened   int64  `json:"opened"` // Unix nanoseconds, like the next two
	Active   int64  `json:"active"`
	Quiet    int64  `json:"quiet"`
	Client   uint64 `json:"client,omitempty"` // whom the stream counts for (Options.Key); 0 = no client
}

// pass encodes what Resume needs of a stream that is no longer served here.
func (h *Hub) pass(c *client) json.RawMessage {
	now, at := time.Now(), h.now()
	nanos := func(m moment) int64 { return now.Add(-time.Duration(at-m) * tick).UnixNano() }
	// Marshalling strings and numbers cannot fail.
	stream, _ := json.Marshal(passed{
		Session: c.query.Session, Run: c.query.Run, Owner: c.query.Owner, Position: c.query.After.String(), Seen: c.run,
		Posted: c.posted, Opened: c.since, Active: nanos(c.active), Quiet: nanos(c.quiet), Client: h.o.Key(c.place),
	})
	return stream
}

// Resume continues a stream that another process has handed over. It owns fd unless it
// returns an error. The client is sent a comment, since it may have been quiet for long
// before the hand-over. It does not block.
func (h *Hub) Resume(fd int, from json.RawMessage) error {
	var p passed
	if err := json.Unmarshal(from, &p); err != nil {
		return study.Errorf(study.CodeMalformed, "invalid stream hand-over data")
	}
	at, err := study.ParsePosition(p.Position)
	if err != nil {
		return err
	}
	place := h.o.Add(p.Client) // first, so that a client never has more open streams than places
	h.Reserve()
	h.Serve(Stream{FD: fd, Query: stream.Query{Session: p.Session, Run: p.Run, Owner: p.Owner, After: at}, Place: place, past: &p})
	return nil
}

// restore sets the times a client had in the previous process. A time in the future,
// because the clock was set back, counts as now.
func (h *Hub) restore(c *client, p *passed) {
	now, at := time.Now(), h.now()
	back := func(nanos int64) moment {
		return at - moment(max(0, now.Sub(time.Unix(0, nanos)))/tick) //nolint:gosec // 6 years
	}
	c.since, c.run, c.posted = min(p.Opened, c.since), p.Seen, p.Posted
	c.opened, c.active, c.quiet = back(p.Opened), back(p.Active), back(p.Quiet)
}
