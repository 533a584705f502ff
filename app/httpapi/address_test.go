package httpapi

import (
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

func TestForwardedAddressesAreBelievedFromTrustedProxiesOnly(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48")}
	tests := []struct {
		name, remote string
		forwarded    []string // header lines
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
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := clientOf(trusted, tt.remote, tt.forwarded...); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if clientOf(nil, tt.remote, tt.forwarded...) == tt.want && len(tt.forwarded) > 0 && tt.want != tcpAddr(tt.remote).AddrPort().Addr().Unmap().String() {
				t.Error("without trusted proxies it is the same")
			}
		})
	}
}

// clientOf returns the client of a request from an address, with these lines of X-Forwarded-For.
func clientOf(trusted []netip.Prefix, remote string, forwarded ...string) string {
	var raw fasthttp.RequestCtx
	raw.SetRemoteAddr(tcpAddr(remote))
	for _, line := range forwarded {
		raw.Request.Header.Add("X-Forwarded-For", line)
	}
	app := fiber.New()
	c := app.AcquireCtx(&raw)
	defer app.ReleaseCtx(c)
	return (&Server{o: Options{Admission: Admission{Proxies: trusted}}}).client(c)
}

// trustedBy returns the proxies that a deployment file trusts.
func trustedBy(t *testing.T, file string) (networks []netip.Prefix) {
	t.Helper()
	text, err := os.ReadFile("../../" + file)
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "TRUSTED_PROXIES\n")
	_, list, found := strings.Cut(list, `value: "`)
	if !found {
		t.Fatal("no TRUSTED_PROXIES in " + file)
	}
	list, _, _ = strings.Cut(list, `"`)
	for cidr := range strings.FieldsFuncSeq(list, func(r rune) bool { return strings.ContainsRune(", \\\n", r) }) {
		networks = append(networks, netip.MustParsePrefix(cidr))
	}
	return networks
}

func TestOnRenderAMadeUpAddressChangesNothing(t *testing.T) {
	render := trustedBy(t, "render.yaml")
	const router, edge, user = "10.214.3.9:41000", "172.69.33.7", "203.0.113.7"
	for name, tt := range map[string]struct {
		forwarded []string
		want      string
	}{
		"a user":                               {[]string{user + ", " + edge}, user},
		"a user by the router's line":          {[]string{user, edge, "10.214.1.1"}, user},
		"a user who makes an address up":       {[]string{"198.51.100.1, " + user + ", " + edge}, user},
		"a user who makes the router up":       {[]string{"198.51.100.1, 10.0.0.1, " + user + ", " + edge}, user},
		"a user who makes an edge up":          {[]string{"198.51.100.1, 104.16.1.1, " + user + ", " + edge}, user},
		"a Worker of someone else's":           {[]string{"198.51.100.1, 2a06:98c0:3600::103, " + edge}, "2a06:98c0:3600::/64"},
		"a Worker at the last address of its":  {[]string{"198.51.100.1, 2a06:98c7:ffff::1, " + edge}, "2a06:98c7:ffff::/64"},
		"a user of IPv6 who makes a Worker up": {[]string{"2a06:98c0:3600::103, 2001:db8:1::7, " + edge}, "2001:db8:1::/64"},
	} {
		if got := clientOf(render, router, tt.forwarded...); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}

// The profile's network is private, and so may a client's address be: what the client claims must not be believed.
func TestTheBalancerOfTheProfileDropsMadeUpAddresses(t *testing.T) {
	text, err := os.ReadFile("../../docs/haproxy.cfg")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"\n    http-request del-header X-Forwarded-For\n", "\n    http-request del-header X-Forwarded-Proto\n", "\n    option forwardfor\n"} {
		if !strings.Contains(string(text), line) {
			t.Errorf("docs/haproxy.cfg has no %q", line)
		}
	}
}
