package httpapi

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/study"
)

// totals sums the runs of the last `hours`. hours=0 asks for none, and gets nil: the sum
// reads every run of that time, too much for somebody who looks once a second.
func (s *Server) totals(c *fiber.Ctx) (*study.Totals, error) {
	if c.Query("hours") == "0" {
		return nil, nil
	}
	hours, err := numberOf(c, "hours", 24, 24*30)
	if err != nil {
		return nil, err
	}
	totals, err := s.o.Store.Totals(s.lifetime, time.Now().Add(-time.Duration(hours)*time.Hour))
	return &totals, err
}
