//go:build faulttest

package httpserver

// Deadlock acquires a lock that every request needs, and never releases it.
func (s *Server) Deadlock() { s.conns.requests.mu.Lock() }
