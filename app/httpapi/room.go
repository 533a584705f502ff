package httpapi

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/metrics"
	"studysharper/app/study"
)

// crowdedFor is how long a connection that there is no room for may take to send its request, and to read the answer.
const crowdedFor = 2 * time.Second

// forConn reports whether there is room for the connections of a worker's slot.
func (r Room) forConn(board *metrics.Board, own *metrics.Entry) bool {
	return r.Conns == 0 || board.SumOfSlot(own.Gauge(metrics.Slot), metrics.Connections, metrics.Streams) <= int64(r.Conns)
}

// forStream reports whether there is room for the event streams of a worker's slot.
func (r Room) forStream(board *metrics.Board, own *metrics.Entry) bool {
	return r.Conns == 0 || board.SumOfSlot(own.Gauge(metrics.Slot), metrics.Streams) <= int64(r.Streams)
}

// roomForConnection refuses requests on a connection that is above Room.Conns, but for probes: they are to tell the truth
// also then. Either way the connection is closed after the answer.
func (s *Server) roomForConnection(c *fiber.Ctx) error {
	client, ok := c.Context().Conn().(*conn)
	if !ok || !client.crowded {
		return c.Next()
	}
	c.Response().SetConnectionClose()
	if probe(c.Path()) {
		return c.Next()
	}
	return study.Errorf(study.CodeOverloaded, "too many open connections")
}
