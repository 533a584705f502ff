//go:build faulttest

package httpserver

// Deadlock takes a lock that every request takes, and keeps it.
func (s *Server) Deadlock() { s.conns.requests.mu.Lock() }
