//go:build !faulttest

package httpapi

// routeFaults adds nothing: only builds with the tag faulttest can be made to fail.
func (*Server) routeFaults(router) {}
