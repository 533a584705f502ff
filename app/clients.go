package main

import (
	"log/slog"
	"net/netip"
	"time"

	"studysharper/app/auth"
	"studysharper/app/config"
	"studysharper/app/httpapi"
	"studysharper/app/limit"
)

// newTokens makes the verifier of users' tokens; nil = users are not verified.
func newTokens(c config.Config, keys *auth.KeyStore, log *slog.Logger) httpapi.Tokens {
	switch {
	case c.JWTSecret != "":
		return auth.NewSecret(c.JWTSecret)
	case c.JWTJWKSURL != "":
		return auth.NewKeySet(auth.KeySetOptions{URL: c.JWTJWKSURL, Store: keys, Log: log})
	default:
		return nil
	}
}

// limitsOf are the limits of process-stream; none where both are off.
func limitsOf(c config.Config) []limit.Policy {
	var policies []limit.Policy
	if n := c.RateLimitPerMinute; n > 0 {
		policies = append(policies, limit.Policy{Name: "minute", Quota: n, Window: time.Minute})
	}
	if n := c.RateLimitPerHour; n > 0 {
		policies = append(policies, limit.Policy{Name: "hour", Quota: n, Window: time.Hour})
	}
	return policies
}

// proxies are the networks whose X-Forwarded-For is believed; the settings were checked.
func proxies(c config.Config) []netip.Prefix {
	networks := make([]netip.Prefix, 0, len(c.TrustedProxies))
	for _, cidr := range c.TrustedProxies {
		if network, err := netip.ParsePrefix(cidr); err == nil {
			networks = append(networks, network.Masked())
		}
	}
	return networks
}
