//go:build !benchtest

package httpapi

// routePublish adds nothing: only builds with the tag benchtest can be made to publish.
func (*Server) routePublish(router) {}
