package main

import (
	"fmt"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"studysharper/app/redisconn"
)

// The shortest secrets that production takes: an admin token, in characters, and what
// tokens are signed with, in bytes (RFC 7518, section 3.2).
const (
	minAdminToken = 16
	minJWTSecret  = 32
)

// databases are the schemes of DATABASE_URL that the store opens.
var databases = []string{"sqlite", "postgres", "postgresql"}

// outOfBounds finds the values outside their field's tags, leaving out the
// settings that are faulty already.
func (c *Config) outOfBounds(given map[string]string, known Faults) Faults {
	var faults Faults
	value := reflect.ValueOf(c).Elem()
	for i, field := range reflect.VisibleFields(value.Type()) {
		name := field.Tag.Get("env")
		told := slices.ContainsFunc(known, func(f Fault) bool { return f.Setting == name })
		if !told && !within(field, value.Field(i)) {
			faults = append(faults, faultOf(field, given))
		}
	}
	return faults
}

func within(field reflect.StructField, value reflect.Value) bool {
	if choices := field.Tag.Get("oneof"); choices != "" {
		return slices.Contains(strings.Split(choices, "|"), value.String())
	}
	from, to, ok := strings.Cut(field.Tag.Get("range"), "..")
	if !ok {
		return true
	}
	return bound(field, from) <= value.Int() && value.Int() <= bound(field, to)
}

// bound reads one end of a range tag; the tags are ours, so a bad one is a bug.
func bound(field reflect.StructField, text string) int64 {
	if field.Type == reflect.TypeFor[time.Duration]() {
		d, err := time.ParseDuration(text)
		if err != nil {
			panic(field.Name + ": bad range tag: " + err.Error())
		}
		return int64(d)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(field.Name + ": bad range tag: " + err.Error())
	}
	return n
}

// unusable finds settings that are each well formed, but cannot be served with:
// they contradict each other, are unsafe in production, or cannot be read.
func (c *Config) unusable() Faults {
	var faults Faults
	fault := func(setting, value, format string, args ...any) {
		faults = append(faults, Fault{setting, value, fmt.Sprintf(format, args...)})
	}
	if c.Production() && len(c.AdminToken) < minAdminToken {
		fault("ADMIN_TOKEN", "", "must have at least %d characters in production", minAdminToken)
	}
	if c.LLMProvider == "openai" && c.APIKey() == "" {
		fault("LLM_PROVIDER", c.LLMProvider, "needs OPENROUTER_API_KEY or LLM_API_KEY")
	}
	if u, err := url.Parse(c.LLMBaseURL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		fault("LLM_BASE_URL", redactURL(c.LLMBaseURL), "must be an http or https URL")
	}
	for _, origin := range c.AllowedOrigins {
		if why := badOrigin(origin, c.Production()); why != "" {
			fault("ALLOWED_ORIGINS", origin, "%s", why)
		}
	}
	for _, cidr := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			fault("TRUSTED_PROXIES", cidr, "must be a CIDR such as 10.0.0.0/8")
		}
	}
	if scheme, _, _ := strings.Cut(c.DatabaseURL, ":"); !slices.Contains(databases, scheme) {
		fault("DATABASE_URL", redactURL(c.DatabaseURL), "must be sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE")
	}
	faults = append(faults, c.unusableTokens()...)
	return append(faults, c.unusableTogether()...)
}

// unusableTokens finds what is wrong with how users prove who they are.
func (c *Config) unusableTokens() Faults {
	var faults Faults
	if c.Production() && c.JWTSecret != "" && len(c.JWTSecret) < minJWTSecret {
		faults = append(faults, Fault{"JWT_SECRET", "", fmt.Sprintf("must have at least %d bytes in production", minJWTSecret)})
	}
	if c.JWTJWKSURL != "" && !trustworthy(c.JWTJWKSURL) {
		faults = append(faults, Fault{"JWT_JWKS_URL", redactURL(c.JWTJWKSURL), "must be an https URL, or an http one of this machine"})
	}
	if c.JWTSecret != "" && c.JWTJWKSURL != "" {
		faults = append(faults, Fault{"JWT_JWKS_URL", redactURL(c.JWTJWKSURL), "must not be set together with JWT_SECRET"})
	}
	return faults
}

// trustworthy reports whether nobody on the way can change what a URL answers.
func trustworthy(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	loopback := u.Hostname() == "localhost" || (err == nil && ip.IsLoopback())
	return u.Scheme == "https" || (u.Scheme == "http" && loopback)
}

func badOrigin(origin string, production bool) string {
	if origin == "*" {
		if production {
			return "must not be * in production: answers carry credentials"
		}
		return ""
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Path != "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "must be scheme://host[:port] without a path"
	}
	return ""
}

// unusableTogether finds what is wrong with the settings of several instances.
func (c *Config) unusableTogether() Faults {
	if c.RedisURL != "" {
		if err := redisconn.Check(c.RedisURL); err != nil {
			return Faults{{"REDIS_URL", redactURL(c.RedisURL), err.Error()}}
		}
		return nil
	}
	var faults Faults
	need := func(setting, value string, asked bool) {
		if asked {
			faults = append(faults, Fault{setting, value, "needs REDIS_URL"})
		}
	}
	need("CACHE_BACKEND", c.CacheBackend, c.CacheBackend != "memory")
	need("SSE_MAX_STREAMS_TOTAL", strconv.Itoa(c.TotalStreams), c.TotalStreams > 0)
	need("MAX_CONCURRENT_RUNS_TOTAL", strconv.Itoa(c.TotalRuns), c.TotalRuns > 0)
	return faults
}
