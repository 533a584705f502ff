// Package config reads the settings from the environment, checks and redacts them, and divides the container's memory
// and descriptors among the processes. Settings that the service cannot work with are refused at the start, with one
// line per fault.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Config contains every setting of the contract's section 2. A field's tags describe it completely: the variable, its
// default, what is accepted (`range`, `oneof`), and what must not be shown (`secret`: "all" of its value, or the
// password of a "url").
type Config struct {
	Host             string        `env:"HOST" envDefault:"0.0.0.0"`
	Port             int           `env:"PORT" envDefault:"8000" range:"0..65535"`
	Environment      string        `env:"ENVIRONMENT" envDefault:"development" oneof:"development|production|test"`
	Workers          int           `env:"WEB_CONCURRENCY" envDefault:"2" range:"1..32"`
	WorkerTimeout    time.Duration `env:"WORKER_TIMEOUT" envDefault:"120" range:"1s..1h"`
	GracefulTimeout  time.Duration `env:"GRACEFUL_TIMEOUT" envDefault:"30" range:"0s..1h"`
	MaxRequests      int           `env:"MAX_REQUESTS" envDefault:"1000" range:"0..1000000000"`
	MaxRequestJitter int           `env:"MAX_REQUESTS_JITTER" envDefault:"50" range:"0..1000000"`
	MinWorkerAge     time.Duration `env:"MIN_WORKER_AGE" envDefault:"30" range:"0s..24h"`
	MaxWorkerMB      int           `env:"MAX_WORKER_MEMORY_MB" envDefault:"0" range:"0..1048576"`
	WorkerTmpDir     string        `env:"WORKER_TMP_DIR" envDefault:"/dev/shm"`

	CacheBackend  string        `env:"CACHE_BACKEND" oneof:"memory|redis|tiered"`
	CacheMaxItems int           `env:"CACHE_MAX_ITEMS" envDefault:"50" range:"1..1000000"`
	CacheMaxMB    int           `env:"CACHE_MAX_MB" envDefault:"10" range:"1..4096"`
	CacheTTL      time.Duration `env:"CACHE_TTL" envDefault:"10m" range:"1s..168h"`

	RetentionDays int           `env:"RETENTION_DAYS" envDefault:"0" range:"0..36500"`
	SSEQueueSize  int           `env:"SSE_QUEUE_SIZE" envDefault:"100" range:"10..10000"`
	SSEKeepalive  time.Duration `env:"SSE_KEEPALIVE" envDefault:"15" range:"1s..10m"`
	SSEStaleAfter time.Duration `env:"SSE_STALE_AFTER" envDefault:"600" range:"1s..24h"`
	SSEMaxStreams int           `env:"SSE_MAX_STREAMS" envDefault:"10000" range:"1..1000000"`
	MaxRuns       int           `env:"MAX_CONCURRENT_RUNS" envDefault:"64" range:"1..100000"`
	ClientStreams int           `env:"SSE_MAX_STREAMS_PER_CLIENT" envDefault:"0" range:"0..1000000"`
	ClientRuns    int           `env:"MAX_CONCURRENT_RUNS_PER_CLIENT" envDefault:"0" range:"0..100000"`
	TotalStreams  int           `env:"SSE_MAX_STREAMS_TOTAL" envDefault:"0" range:"0..100000000"`
	TotalRuns     int           `env:"MAX_CONCURRENT_RUNS_TOTAL" envDefault:"0" range:"0..10000000"`
	MaxBodyKB     int           `env:"MAX_BODY_KB" envDefault:"1024" range:"1..16384"`
	MaxUploadMB   int           `env:"MAX_UPLOAD_MB" envDefault:"10" range:"1..100"`
	MaxUploadPage int           `env:"MAX_UPLOAD_PAGES" envDefault:"2000" range:"1..100000"`

	RedisURL    string `env:"REDIS_URL" secret:"url"`
	DatabaseURL string `env:"DATABASE_URL" envDefault:"sqlite:data/studysharper.db" secret:"url"`

	LLMProvider      string        `env:"LLM_PROVIDER" oneof:"openai|offline"`
	OpenRouterAPIKey string        `env:"OPENROUTER_API_KEY" secret:"all"`
	LLMAPIKey        string        `env:"LLM_API_KEY" secret:"all"`
	LLMBaseURL       string        `env:"LLM_BASE_URL" envDefault:"https://openrouter.ai/api/v1" secret:"url"`
	LLMModel         string        `env:"LLM_MODEL" envDefault:"anthropic/claude-haiku-4.5"`
	LLMFallbacks     []string      `env:"LLM_FALLBACK_MODELS"`
	LLMTimeout       time.Duration `env:"LLM_TIMEOUT" envDefault:"60" range:"1s..1h"`
	LLMContext       int           `env:"LLM_CONTEXT_TOKENS" envDefault:"32000" range:"1000..10000000"`
	LLMMaxTokens     int           `env:"LLM_MAX_TOKENS" envDefault:"0" range:"0..1000000"`
	LLMMaxCalls      int           `env:"LLM_MAX_CALLS" envDefault:"8" range:"1..100"`
	LLMEffort        string        `env:"LLM_REASONING_EFFORT"`
	LLMAPIVersion    string        `env:"LLM_API_VERSION"`
	LLMJudge         string        `env:"LLM_JUDGE" envDefault:"rules" oneof:"off|rules|model"`
	LLMJudgeModel    string        `env:"LLM_JUDGE_MODEL"`

	AdminToken         string   `env:"ADMIN_TOKEN" secret:"all"`
	AllowedOrigins     []string `env:"ALLOWED_ORIGINS" envDefault:"http://localhost:3000,http://127.0.0.1:3000"`
	AllowedHosts       []string `env:"ALLOWED_HOSTS"`
	MCP                string   `env:"MCP" envDefault:"off" oneof:"off|on"`
	AuthMode           string   `env:"AUTH_MODE" oneof:"none|account|jwt"`
	AccountLimit       int      `env:"ACCOUNT_LIMIT_PER_HOUR" envDefault:"60" range:"0..1000000"`
	StoreLimitMB       int      `env:"STORE_LIMIT_MB_PER_DAY" envDefault:"200" range:"0..1000000"`
	RateLimitPerMinute int      `env:"RATE_LIMIT_PER_MINUTE" envDefault:"10" range:"0..1000000"`
	RateLimitPerHour   int      `env:"RATE_LIMIT_PER_HOUR" envDefault:"100" range:"0..1000000"`
	RunLimitPerMinute  int      `env:"RUN_LIMIT_PER_MINUTE" envDefault:"120" range:"0..1000000"`
	RunLimitPerHour    int      `env:"RUN_LIMIT_PER_HOUR" envDefault:"1000" range:"0..1000000"`
	TokensPerDay       int      `env:"TOKENS_PER_DAY" envDefault:"0" range:"0..1000000000000"`
	TokensPerUser      int      `env:"TOKENS_PER_DAY_PER_USER" envDefault:"0" range:"0..1000000000000"`
	QuotaNotesMB       int      `env:"QUOTA_NOTES_MB" envDefault:"50" range:"0..1048576"`
	QuotaItems         int      `env:"QUOTA_ITEMS" envDefault:"20000" range:"0..100000000"`
	DiskReserveMB      int      `env:"DISK_RESERVE_MB" envDefault:"64" range:"0..1048576"`
	TrustedProxies     []string `env:"TRUSTED_PROXIES"`
	JWTSecret          string   `env:"JWT_SECRET" secret:"all"`
	JWTJWKSURL         string   `env:"JWT_JWKS_URL" secret:"url"`
	JWTIssuer          string   `env:"JWT_ISSUER"`
	JWTAudience        string   `env:"JWT_AUDIENCE"`

	LogLevel   string `env:"LOG_LEVEL" envDefault:"info" oneof:"debug|info|warn|error"`
	LogFormat  string `env:"LOG_FORMAT" oneof:"text|json"`
	LogClients string `env:"LOG_CLIENTS" envDefault:"off" oneof:"off|hash"`
}

// Fault is an unusable setting. Its text never contains a secret.
type Fault struct {
	Setting  string // the variable, e.g. WEB_CONCURRENCY
	Value    string // as given, redacted; "" = not given
	Accepted string
}

// Error returns the fault as one line.
func (f Fault) Error() string {
	if f.Value == "" {
		return fmt.Sprintf("%s: %s", f.Setting, f.Accepted)
	}
	return fmt.Sprintf("%s=%q: %s", f.Setting, f.Value, f.Accepted)
}

// Faults are all faults of the settings.
type Faults []Fault

// Error returns a line for each fault.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Load reads the settings from an environment (variable → value; empty means the default, white space around a value is
// ignored). It returns all faults together, as Faults.
func Load(environment map[string]string) (Config, error) {
	var c Config
	values := Given(environment)
	faults := illWritten(values)
	for _, f := range faults {
		delete(values, f.Setting)
	}
	err := env.ParseWithOptions(&c, env.Options{
		Environment: values,
		FuncMap:     map[reflect.Type]env.ParserFunc{reflect.TypeFor[time.Duration](): parseDuration},
	})
	faults = append(faults, parseFaults(err, values)...)
	c.derive(values)
	faults = append(faults, c.outOfBounds(values, faults)...)
	if len(faults) == 0 {
		faults = c.unusable(values)
	}
	if len(faults) > 0 {
		return c, faults
	}
	return c, nil
}

// parseDuration parses whole seconds ("120") or a Go duration ("2m").
func parseDuration(v string) (any, error) {
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(n) * time.Second, nil //nolint:gosec // 31 bits
	}
	return time.ParseDuration(v)
}

// The values of AUTH_MODE: how the service identifies users.
const (
	AuthNone    = "none"    // by the request's user_id, unverified
	AuthAccount = "account" // by the cookie or the study code of one of the service's own accounts
	AuthJWT     = "jwt"     // by an issuer's token
)

// derive sets the defaults that depend on other settings.
func (c *Config) derive(given map[string]string) {
	model := c.APIKey() != "" || given["LLM_BASE_URL"] != "" // a self-hosted API may need no key
	c.LogFormat = cmp.Or(c.LogFormat, map[bool]string{true: "json", false: "text"}[c.Production()])
	c.LLMProvider = cmp.Or(c.LLMProvider, map[bool]string{true: "openai", false: "offline"}[model])
	c.ClientStreams = cmp.Or(c.ClientStreams, max(1, c.SSEMaxStreams/4))
	c.ClientRuns = cmp.Or(c.ClientRuns, max(1, c.MaxRuns/4))
	switch {
	case c.AuthMode != "":
	case c.usesJWT():
		c.AuthMode = AuthJWT
	case c.Production():
		c.AuthMode = AuthAccount
	default:
		c.AuthMode = AuthNone
	}
	c.CacheBackend = cmp.Or(c.CacheBackend, map[bool]string{true: "tiered", false: "memory"}[c.RedisURL != ""])
}

// Production reports whether unsafe settings are refused.
func (c *Config) Production() bool { return c.Environment == "production" }

// usesJWT reports whether an issuer's tokens can be verified.
func (c *Config) usesJWT() bool { return c.JWTSecret != "" || c.JWTJWKSURL != "" }

// APIKey returns the key for LLM_BASE_URL; "" = none. OpenRouter's key is sent to no other host.
func (c *Config) APIKey() string {
	if !c.isOpenRouter() {
		return c.LLMAPIKey
	}
	return cmp.Or(c.OpenRouterAPIKey, c.LLMAPIKey)
}

func (c *Config) isOpenRouter() bool {
	u, err := url.Parse(c.LLMBaseURL)
	return err == nil && (u.Hostname() == "openrouter.ai" || strings.HasSuffix(u.Hostname(), ".openrouter.ai"))
}

// UnusedKey reports whether OPENROUTER_API_KEY is set but not sent, because LLM_BASE_URL is another host.
func (c *Config) UnusedKey() bool { return c.OpenRouterAPIKey != "" && !c.isOpenRouter() }

// ProxyNetworks returns the networks whose X-Forwarded-For header is trusted; Load has checked them.
func (c *Config) ProxyNetworks() []netip.Prefix {
	networks := make([]netip.Prefix, 0, len(c.TrustedProxies))
	for _, cidr := range c.TrustedProxies {
		if network, err := netip.ParsePrefix(cidr); err == nil {
			networks = append(networks, network.Masked())
		}
	}
	return networks
}

// Address returns the address to listen on.
func (c *Config) Address() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

// parseFaults converts the parser's errors, which name Go fields, to Faults.
func parseFaults(err error, given map[string]string) Faults {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return nil
	}
	var faults Faults
	for _, e := range all.Errors {
		var parse env.ParseError
		if !errors.As(e, &parse) {
			continue
		}
		field, _ := reflect.TypeFor[Config]().FieldByName(parse.Name)
		faults = append(faults, faultOf(field, given))
	}
	return faults
}

func faultOf(field reflect.StructField, given map[string]string) Fault {
	name := field.Tag.Get("env")
	return Fault{Setting: name, Value: redact(field, given[name]), Accepted: accepted(field)}
}

// accepted describes what a field's tags accept.
func accepted(field reflect.StructField) string {
	if choices := field.Tag.Get("oneof"); choices != "" {
		return "must be one of " + strings.ReplaceAll(choices, "|", ", ")
	}
	from, to, _ := strings.Cut(field.Tag.Get("range"), "..")
	if field.Type == reflect.TypeFor[time.Duration]() {
		return fmt.Sprintf("must be whole seconds or a Go duration from %s to %s", from, to)
	}
	return fmt.Sprintf("must be a whole number from %s to %s", from, to)
}
