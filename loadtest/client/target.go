// Package client is an HTTP client for the service under test. The one idea: nothing is retried. net/http's client
// repeats a request if a kept connection turns out to be closed, which is exactly what a load test must count.
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
	dialTimeout   = 10 * time.Second // of one connection, including its TLS handshake
)

// Target is the server under load: a fixed address, even if its name resolves to another one later.
type Target struct {
	URL   *url.URL
	Token string // sent as `Authorization: Bearer`; "" = none

	addresses []netip.AddrPort
	roots     *x509.CertPool // trusted certificates; nil = the system's
}

// ParseTarget parses the base URL of a server. Its errors tell the user what to correct.
func ParseTarget(text string) (*Target, error) {
	if !strings.Contains(text, "://") {
		return nil, fmt.Errorf("target %q has no scheme: use http://%s", text, text)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("target is not a URL") // url.Parse's error may quote a password
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

// Resolve looks up the target's host once.
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
	for _, four := range []bool{true, false} { // IPv4 first, because the streams' client supports nothing else
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

// Loopback reports whether every address of a resolved target is on this machine.
func (t *Target) Loopback() bool {
	for _, a := range t.addresses {
		if !a.Addr().IsLoopback() {
			return false
		}
	}
	return len(t.addresses) > 0
}

// Address returns the address that requests are sent to. Before a connection was made it is
// the first of the host's addresses, and before Resolve the zero value.
func (t *Target) Address() netip.AddrPort {
	if len(t.addresses) == 0 {
		return netip.AddrPort{}
	}
	return t.addresses[0]
}

// Path returns a path of the service below the target's own.
func (t *Target) Path(path string) string {
	return strings.TrimSuffix(t.URL.EscapedPath(), "/") + path
}

// Settle finds an address at which a server listens, and uses only that from then on.
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

// dial opens one connection.
func (t *Target) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	raw, err := (&net.Dialer{KeepAlive: -1}).DialContext(ctx, "tcp", t.Address().String())
	if err != nil || t.URL.Scheme == "http" {
		return raw, err
	}
	secure := tls.Client(raw, &tls.Config{ServerName: t.URL.Hostname(), RootCAs: t.roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close() // the handshake's error is returned
		return nil, err
	}
	return secure, nil
}
