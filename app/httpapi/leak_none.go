//go:build !leaktest

package httpapi

// routeLeak adds nothing: only builds with the tag leaktest can be made to leak.
func (*Server) routeLeak() {}
