// Package client speaks to the service under test over connections of its own. The one idea: nothing is retried. net/http's
// client repeats a request when a kept connection turns out to be closed, which is exactly what a load test has to count.
package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const (
	lookupTimeout = 5 * time.Second
	dialTimeout   = 10 * time.Second // of one connection, its TLS handshake included
)

// Target is what is put under load: one address, whatever its name comes to mean later.
type Target struct {
	URL   *url.URL
	Token string // sent as `Authorization: Bearer`; "" = none

	addresses []netip.AddrPort
	roots     *x509.CertPool // whose certificates are trusted; nil = the system's
}

// ParseTarget reads the base URL of a server. Its errors are the user's to mend.
func ParseTarget(text string) (*Target, error) {
	if !strings.Contains(text, "://") {
		return nil, fmt.Errorf("target %q has no scheme: say http://%s", text, text)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("target is not a URL") // the error quotes it, with a password perhaps
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("target %q: must be http:// or https://", u.Redacted())
	case u.Hostname() == "":
		return nil, fmt.Errorf("target %q names no host", u.Redacted())
	case u.User != nil:
		return nil, fmt.Errorf("target %q: no user and password in the URL", u.Redacted())
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("target %q: a base URL has no query and no fragment", u.Redacted())
	}
	return &Target{URL: u}, nil
}

// Resolve looks the target's host up, once and for all.
func (t *Target) Resolve(ctx context.Context) error {
	port, err := t.port(ctx)
	if err != nil {
		return err
	}
	host := t.URL.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil {
		t.addresses = []netip.AddrPort{netip.AddrPortFrom(ip.Unmap(), port)}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(found) == 0 {
		return fmt.Errorf("no such host %q", host)
	}
	t.addresses = nil
	for _, four := range []bool{true, false} { // IPv4 first: the streams' client knows no other
		for _, ip := range found {
			if ip = ip.Unmap(); ip.Is4() == four {
				t.addresses = append(t.addresses, netip.AddrPortFrom(ip, port))
			}
		}
	}
	return nil
}

func (t *Target) port(ctx context.Context) (uint16, error) {
	name := t.URL.Port()
	if name == "" {
		name = t.URL.Scheme
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", name)
	if err != nil || port < 1 || port > 65535 {
		return 0, fmt.Errorf("target %q: no such port", t.URL.Redacted())
	}
	return uint16(port), nil
}

// Loopback reports whether every address of a resolved target is this machine.
func (t *Target) Loopback() bool {
	for _, a := range t.addresses {
		if !a.Addr().IsLoopback() {
			return false
		}
	}
	return len(t.addresses) > 0
}

// Address is where requests go. Until a connection was made it is the first of the
// host's addresses, and the zero value before Resolve.
func (t *Target) Address() netip.AddrPort {
	if len(t.addresses) == 0 {
		return netip.AddrPort{}
	}
	return t.addresses[0]
}

// Path is a path of the service below the target's own.
func (t *Target) Path(path string) string {
	return strings.TrimSuffix(t.URL.EscapedPath(), "/") + path
}

// Settle finds the address that somebody listens at, and keeps to it.
func (t *Target) Settle(ctx context.Context) error {
	var failed error
	for _, a := range t.addresses {
		conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", a.String())
		if err == nil {
			t.addresses = []netip.AddrPort{a}
			return conn.Close()
		}
		if failed == nil {
			failed = dialFailure(ctx, err)
		}
	}
	return failed
}

// dial makes one connection.
func (t *Target) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	raw, err := (&net.Dialer{KeepAlive: -1}).DialContext(ctx, "tcp", t.Address().String())
	if err != nil || t.URL.Scheme == "http" {
		return raw, err
	}
	secure := tls.Client(raw, &tls.Config{ServerName: t.URL.Hostname(), RootCAs: t.roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close() // the handshake's error says it
		return nil, err
	}
	return secure, nil
}
