package httpapi

import (
	"net/netip"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

func TestForwardedAddressesAreBelievedFromTrustedProxiesOnly(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48")}
	tests := []struct {
		name, remote string
		forwarded    []string // lines
		want         string
	}{
		{"no proxy", "203.0.113.7:4711", nil, "203.0.113.7"},
		{"no proxy that claims to be one", "203.0.113.7:4711", []string{"198.51.100.1"}, "203.0.113.7"},
		{"an address that looks like a proxy's", "11.0.0.1:4711", []string{"198.51.100.1"}, "11.0.0.1"},
		{"a proxy", "10.1.2.3:80", []string{"203.0.113.7"}, "203.0.113.7"},
		{"a proxy, in IPv6's notation", "[::ffff:10.1.2.3]:80", []string{"203.0.113.7"}, "203.0.113.7"},
		{"a proxy that says nothing", "10.1.2.3:80", nil, "10.1.2.3"},
		{"a proxy that says nothing, at length", "10.1.2.3:80", []string{" , ,"}, "10.1.2.3"},
		{"a client that makes addresses up", "10.1.2.3:80", []string{"198.51.100.1, 203.0.113.7"}, "203.0.113.7"},
		{"a client that makes a proxy up", "10.1.2.3:80", []string{"198.51.100.1, 10.9.9.9, 203.0.113.7"}, "203.0.113.7"},
		{"a client that makes a line up", "10.1.2.3:80", []string{"198.51.100.1", "203.0.113.7"}, "203.0.113.7"},
		{"two proxies", "10.1.2.3:80", []string{"198.51.100.1, 203.0.113.7, 10.4.5.6"}, "203.0.113.7"},
		{"two proxies, one per line", "10.1.2.3:80", []string{"203.0.113.7", "10.4.5.6"}, "203.0.113.7"},
		{"nothing but proxies", "10.1.2.3:80", []string{"10.7.8.9,10.4.5.6"}, "10.7.8.9"},
		{"no address", "10.1.2.3:80", []string{"198.51.100.1, unknown"}, "10.1.2.3"},
		{"no address behind a proxy", "10.1.2.3:80", []string{"198.51.100.1, x, 10.4.5.6"}, "10.4.5.6"},
		{"an address with a port", "10.1.2.3:80", []string{"203.0.113.7:4711"}, "203.0.113.7"},
		{"IPv6", "[2001:db8:1:2:3::4]:80", nil, "2001:db8:1:2::/64"},
		{"IPv6 of the same client", "[2001:db8:1:2:ffff::]:80", nil, "2001:db8:1:2::/64"},
		{"IPv6 with a zone", "[fe80::1%eth0]:80", nil, "fe80::/64"},
		{"IPv6 by a proxy", "[2001:db8:ffff::1]:80", []string{"2001:db8:7::1"}, "2001:db8:7::/64"},
		{"IPv6 with a port", "10.1.2.3:80", []string{"[2001:db8:7::1]:4711"}, "2001:db8:7::/64"},
		{"IPv4 in IPv6's notation", "10.1.2.3:80", []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
	}
	s := &Server{o: Options{Admission: Admission{Proxies: trusted}}}
	app := fiber.New()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var raw fasthttp.RequestCtx
			raw.SetRemoteAddr(tcpAddr(tt.remote))
			for _, line := range tt.forwarded {
				raw.Request.Header.Add("X-Forwarded-For", line)
			}
			c := app.AcquireCtx(&raw)
			defer app.ReleaseCtx(c)
			if got := s.client(c); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if s := (&Server{}); s.client(c) == tt.want && len(tt.forwarded) > 0 && tt.want != tcpAddr(tt.remote).AddrPort().Addr().Unmap().String() {
				t.Error("without trusted proxies it is the same")
			}
		})
	}
}
