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
)

// minAdminToken is the shortest admin token that production takes, in characters.
const minAdminToken = 16

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
// they contradict each other, are unsafe in production, or ask for what this
// version does not do.
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
	return append(faults, c.notInThisVersion()...)
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

// notInThisVersion refuses settings whose effect is not built: to take them and do
// nothing would be a lie, and with JWT_SECRET a dangerous one.
func (c *Config) notInThisVersion() Faults {
	var faults Faults
	refuse := func(setting string, asked bool) {
		if asked {
			faults = append(faults, Fault{Setting: setting, Accepted: "is not supported by this version"})
		}
	}
	refuse("REDIS_URL", c.RedisURL != "")
	refuse("CACHE_BACKEND", c.CacheBackend != "memory" && c.RedisURL == "")
	refuse("JWT_SECRET", c.JWTSecret != "")
	refuse("JWT_JWKS_URL", c.JWTJWKSURL != "")
	if scheme, _, ok := strings.Cut(c.DatabaseURL, ":"); !ok || scheme != "sqlite" {
		faults = append(faults, Fault{"DATABASE_URL", redactURL(c.DatabaseURL), "must be sqlite:PATH in this version"})
	}
	return faults
}
