package httpapi

import (
	"bytes"
	"net"
	"net/netip"
	"slices"

	"github.com/gofiber/fiber/v2"
)

// clientNetwork is the prefix length that identifies an IPv6 client: one client has all addresses of such a network.
const clientNetwork = 64

// client returns the address that a request counts for. It is the connection's address or, if that is a trusted proxy,
// the rightmost address of X-Forwarded-For that is not a trusted proxy. Each proxy appends the address that called it,
// so everything to the left of that may be forged.
func (s *Server) client(c *fiber.Ctx) string {
	at := remote(c)
	if s.trusts(at) {
		at = s.forwarded(at, c.Request().Header.PeekAll(fiber.HeaderXForwardedFor))
	}
	if at.Is6() {
		return netip.PrefixFrom(at, clientNetwork).Masked().String()
	}
	return at.String()
}

// forwarded walks the hops of X-Forwarded-For from the nearest. A hop that is not an address ends the walk at the proxy
// that appended it.
func (s *Server) forwarded(at netip.Addr, lines [][]byte) netip.Addr {
	hops := bytes.Split(bytes.Join(lines, []byte(",")), []byte(","))
	for _, hop := range slices.Backward(hops) {
		next, ok := parseHop(string(bytes.TrimSpace(hop)))
		if !ok {
			return at
		}
		if at = next; !s.trusts(at) {
			return at
		}
	}
	return at
}

// parseHop parses an address, with or without a port.
func parseHop(text string) (netip.Addr, bool) {
	at, err := netip.ParseAddr(text)
	if err != nil {
		var with netip.AddrPort
		with, err = netip.ParseAddrPort(text)
		at = with.Addr()
	}
	return at.Unmap().WithZone(""), err == nil
}

func (s *Server) trusts(at netip.Addr) bool {
	return slices.ContainsFunc(s.o.Admission.Proxies, func(p netip.Prefix) bool { return p.Contains(at) })
}

// remote returns the address of the connection's other end.
func remote(c *fiber.Ctx) netip.Addr {
	tcp, ok := c.Context().RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}
