package httpapi

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/httpserver"
	"studysharper/app/stream"
	"studysharper/app/web"
)

const (
	probeWait  = time.Second            // how long a probe waits for the database and the journal
	probeEvery = 250 * time.Millisecond // how long a probe's result is reused
)

// States of a component.
const (
	healthy  = "healthy"
	degraded = "degraded"
	enabled  = "enabled"
	disabled = "disabled"
)

// root answers browsers with the study page, and other clients like the original API.
func (s *Server) root(c *fiber.Ctx) error {
	c.Vary(fiber.HeaderAccept)
	if c.Accepts(fiber.MIMEApplicationJSON, fiber.MIMETextHTML) == fiber.MIMETextHTML {
		return s.page(c, web.Desk)
	}
	return c.JSON(fiber.Map{"message": "StudySharper API", "version": s.o.Version, "status": healthy})
}

// health answers 200 even when degraded: a platform must not restart a service that still works.
func (s *Server) health(c *fiber.Ctx) error {
	failing, status := s.degradedComponents(), healthy
	if len(failing) > 0 {
		status = degraded
	}
	state := func(part string) string {
		if _, ok := failing[part]; ok {
			return degraded
		}
		return healthy
	}
	return c.JSON(fiber.Map{
		"status":      status,
		"service":     "studysharper_backend",
		"version":     s.o.Version,
		"environment": s.o.Environment,
		"auth_mode":   s.o.AuthMode,
		"timestamp":   time.Now().UTC().Format(time.RFC3339),
		"components":  s.components(state),
		"endpoints": fiber.Map{
			"process":        "/api/ai/process",
			"process_stream": "/api/ai/process-stream",
			"stream":         "/api/ai/stream/{session_id}",
			"notes":          "/api/notes",
			"preferences":    "/api/ai/preferences",
			"metrics":        "/api/admin/metrics",
		},
	})
}

// components returns the state of each part of the service.
func (s *Server) components(state func(part string) string) fiber.Map {
	limits := disabled
	if len(s.o.Admission.Limits) > 0 {
		if limits = state("rate_limiting"); limits == healthy {
			limits = enabled
		}
	}
	model := state("llm")
	if model == healthy {
		model = s.o.Provider
	}
	components := fiber.Map{
		"database":      state("database"),
		"cache":         state("cache"),
		"events":        state("events"),
		"llm":           model,
		"monitoring":    state("database"),
		"rate_limiting": limits,
		"sse_streaming": state("events"),
	}
	if s.o.Disk != nil {
		if free, reserve := s.o.Disk.Free(); reserve > 0 {
			components["disk"] = [...]string{healthy, "low", "full"}[diskState(free, reserve)]
			s.noteDisk(free, reserve)
		}
	}
	if s.o.Tokens != nil {
		components["authentication"] = state("authentication")
	}
	return components
}

func (s *Server) livez(c *fiber.Ctx) error {
	return c.JSON(fiber.Map{"status": "live"})
}

func (s *Server) readyz(c *fiber.Ctx) error {
	failing := s.failingComponents()
	if s.stopping.Load() {
		failing["worker"] = "draining"
	}
	if len(failing) > 0 {
		return c.Status(fiber.StatusServiceUnavailable).JSON(fiber.Map{"status": "not ready", "failing": failing})
	}
	return c.JSON(fiber.Map{"status": "ready"})
}

// degradedComponents returns the failing components, and those that the service works without.
func (s *Server) degradedComponents() map[string]string {
	degraded := s.failingComponents()
	for _, component := range s.o.Fleet.Degraded() {
		degraded[component] = "unavailable"
	}
	if s.o.Disk != nil {
		if free, reserve := s.o.Disk.Free(); diskState(free, reserve) == diskFull {
			degraded["disk"] = "writes are refused below DISK_RESERVE_MB"
		}
	}
	if s.o.Tokens != nil && !s.o.Tokens.Healthy() {
		degraded["authentication"] = "the issuer's keys cannot be fetched"
	}
	return degraded
}

// failingComponents reports problems of the components that every run needs. It probes them if the last probe is older
// than probeEvery, because load balancers and monitors of many instances poll often.
func (s *Server) failingComponents() map[string]string {
	s.probed.mu.Lock()
	defer s.probed.mu.Unlock()
	if s.probed.at.IsZero() || time.Since(s.probed.at) >= probeEvery {
		s.probed.failing = s.probe()
		s.probed.at = time.Now()
	}
	return maps.Clone(s.probed.failing)
}

// probed is the result of the last probe.
type probed struct {
	mu      sync.Mutex // held while probing: concurrent callers wait for the result
	at      time.Time  // zero: no probe yet
	failing map[string]string
}

func (s *Server) probe() map[string]string {
	ctx, cancel := context.WithTimeout(s.lifetime, probeWait)
	defer cancel()
	failing := map[string]string{}
	err := s.o.Store.Ping(ctx)
	if down := err != nil; s.databaseDown.Swap(down) != down { // once per change, with the cause, which clients do not get
		s.o.Log.Warn("database availability changed", "available", !down, "error", err)
	}
	if err != nil {
		failing["database"] = "unavailable"
	}
	if _, err := s.o.Journal.Since(ctx, stream.Query{Session: probeSession, Peek: true}); err != nil {
		failing["events"] = "unavailable"
	}
	if !httpserver.DescriptorLeft() {
		failing["files"] = "no descriptor is left"
	}
	return failing
}

// probeSession is the nil UUID: no session has it.
const probeSession = "00000000-0000-0000-0000-000000000000"
