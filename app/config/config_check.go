package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"studysharper/app/store"
	"studysharper/app/study"
)

// The minimum lengths of secrets in production: an admin token, in characters, and a signing secret, in bytes (RFC
// 7518, section 3.2).
const (
	MinAdminToken = 16
	minJWTSecret  = 32
)

// outOfBounds finds values that their field's tags do not accept, except settings that are already faulty.
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

// bound parses one end of a range tag. The tags are constants, so an invalid one is a bug.
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

// unusable finds settings that are well formed but unusable: they contradict each other, are unsafe in production, or
// cannot be parsed.
func (c *Config) unusable(given map[string]string) Faults {
	var faults Faults
	fault := func(setting, value, format string, args ...any) {
		faults = append(faults, Fault{setting, value, fmt.Sprintf(format, args...)})
	}
	if _, err := netip.ParseAddr(c.Host); err != nil && !hostName.MatchString(c.Host) {
		fault("HOST", c.Host, "must be an IP address or a host name, without a port")
	}
	if c.Production() && (len(c.AdminToken) < MinAdminToken || isGuessable(c.AdminToken)) {
		fault("ADMIN_TOKEN", "", "must have at least %d characters in production, %s", MinAdminToken, notGuessable)
	}
	for _, origin := range c.AllowedOrigins {
		if why := badOrigin(origin, c.Production()); why != "" {
			fault("ALLOWED_ORIGINS", origin, "%s", why)
		}
	}
	for _, host := range c.AllowedHosts {
		if u, err := url.Parse("http://" + host); err != nil || u.Host != host || !reachable(u) {
			fault("ALLOWED_HOSTS", host, "must be host names or addresses such as study.example.org or [::1]:8000, with commas between them")
		}
	}
	for _, cidr := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			fault("TRUSTED_PROXIES", cidr, "must be a CIDR such as 10.0.0.0/8")
		}
	}
	if err := store.CheckURL(c.DatabaseURL); err != nil {
		fault("DATABASE_URL", RedactURL(c.DatabaseURL), "%s", strings.TrimPrefix(study.AsError(err).Message, "DATABASE_URL: "))
	}
	faults = append(faults, c.unusableModel(given)...)
	faults = append(faults, c.unusableTokens()...)
	return append(faults, c.unusableTogether()...)
}

var (
	hostName  = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?$`)
	apiKey    = regexp.MustCompile(`^[!-~]+$`) // otherwise it is not a valid header value, or contains a space
	modelName = regexp.MustCompile(`^[^\s#"']+$`)
	word      = regexp.MustCompile(`^[A-Za-z0-9._-]*$`)
)

// unusableModel finds faults in how the model's API is reached. The key may be missing if an API is named, because not
// every API requires one.
func (c *Config) unusableModel(given map[string]string) Faults {
	var faults Faults
	if c.LLMProvider == "openai" && c.APIKey() == "" && given["LLM_BASE_URL"] == "" {
		faults = append(faults, Fault{"LLM_PROVIDER", c.LLMProvider, "needs OPENROUTER_API_KEY or LLM_API_KEY, or the LLM_BASE_URL of an API that asks for no key"})
	}
	if !webAddress(c.LLMBaseURL) {
		faults = append(faults, Fault{"LLM_BASE_URL", RedactURL(c.LLMBaseURL), "must be an http or https URL"})
	}
	for _, setting := range []string{"OPENROUTER_API_KEY", "LLM_API_KEY"} {
		if key := given[setting]; key != "" && !apiKey.MatchString(key) {
			faults = append(faults, Fault{setting, redacted, "must be visible ASCII characters without a space"})
		}
	}
	if !modelName.MatchString(c.LLMModel) {
		faults = append(faults, Fault{"LLM_MODEL", c.LLMModel, "must be one model's name, without spaces, quotes and #"})
	}
	for _, name := range c.LLMFallbacks {
		if !modelName.MatchString(name) {
			faults = append(faults, Fault{"LLM_FALLBACK_MODELS", name, "must be models' names with commas between them, without spaces, quotes and #"})
		}
	}
	if c.LLMJudgeModel != "" && !modelName.MatchString(c.LLMJudgeModel) {
		faults = append(faults, Fault{"LLM_JUDGE_MODEL", c.LLMJudgeModel, "must be one model's name, without spaces, quotes and #"})
	}
	for _, setting := range []string{"LLM_REASONING_EFFORT", "LLM_API_VERSION"} {
		if !word.MatchString(given[setting]) {
			faults = append(faults, Fault{setting, given[setting], "must be one word of letters, digits, dots and hyphens"})
		}
	}
	return faults
}

// webAddress reports whether a text is an http or https URL with a host.
func webAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && reachable(u) && u.Fragment == ""
}

// reachable reports whether a URL has a host and, if it has a port, a valid one.
func reachable(u *url.URL) bool {
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
	}
	return u.Hostname() != ""
}

// unusableTokens finds faults in the settings of user authentication.
func (c *Config) unusableTokens() Faults {
	var faults Faults
	if c.Production() && c.JWTSecret != "" && (len(c.JWTSecret) < minJWTSecret || isGuessable(c.JWTSecret)) {
		faults = append(faults, Fault{"JWT_SECRET", "", fmt.Sprintf("must have at least %d bytes in production, %s", minJWTSecret, notGuessable)})
	}
	for setting, value := range map[string]string{"JWT_ISSUER": c.JWTIssuer, "JWT_AUDIENCE": c.JWTAudience} {
		if value != "" && !c.usesJWT() {
			faults = append(faults, Fault{setting, value, "needs JWT_SECRET or JWT_JWKS_URL"})
		}
	}
	if (c.AuthMode == AuthJWT) != c.usesJWT() {
		faults = append(faults, Fault{"AUTH_MODE", c.AuthMode, "must be jwt where JWT_SECRET or JWT_JWKS_URL is set, and only there"})
	}
	if c.JWTJWKSURL != "" && !trustworthy(c.JWTJWKSURL) {
		faults = append(faults, Fault{"JWT_JWKS_URL", RedactURL(c.JWTJWKSURL), "must be an https URL, or an http one of this machine"})
	}
	if c.JWTSecret != "" && c.JWTJWKSURL != "" {
		faults = append(faults, Fault{"JWT_JWKS_URL", RedactURL(c.JWTJWKSURL), "must not be set together with JWT_SECRET"})
	}
	return faults
}

// trustworthy reports whether a URL's answers are safe from manipulation on the network.
func trustworthy(address string) bool {
	u, err := url.Parse(address)
	if err != nil || !reachable(u) {
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
	if u, err := url.Parse(origin); err != nil || !webAddress(origin) || u.Path != "" || u.User != nil || u.ForceQuery || u.RawQuery != "" {
		return "must be scheme://host[:port] without a path"
	}
	return ""
}

// unusableTogether finds faults in the settings of several instances.
func (c *Config) unusableTogether() Faults {
	if c.RedisURL != "" {
		if _, err := ParseRedis(c.RedisURL); err != nil {
			return Faults{{"REDIS_URL", RedactURL(c.RedisURL), err.Error()}}
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
