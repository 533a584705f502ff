package config

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestConfigDefaultsAreTheContracts(t *testing.T) {
	c, err := Load(map[string]string{"PORT": "", "WEB_CONCURRENCY": ""})
	if err != nil {
		t.Fatal(err)
	}
	got := []any{c.Port, c.Host, c.Environment, c.Workers, c.WorkerTimeout, c.GracefulTimeout, c.MaxRequests, c.MaxRequestJitter,
		c.MinWorkerAge, c.MaxWorkerMB, c.WorkerTmpDir, c.CacheBackend, c.CacheMaxItems, c.CacheMaxMB, c.CacheTTL, c.SSEQueueSize, c.SSEKeepalive,
		c.SSEStaleAfter, c.SSEMaxStreams, c.MaxRuns, c.MaxBodyKB, c.DatabaseURL, c.LLMProvider, c.LLMTimeout, c.LogFormat,
		c.LLMContext, c.LLMMaxTokens, c.LLMMaxCalls, c.LLMEffort, c.LLMAPIVersion, c.LLMJudge, c.LLMJudgeModel}
	want := []any{8000, "0.0.0.0", "development", 2, 120 * time.Second, 30 * time.Second, 1000, 50,
		30 * time.Second, 0, "/dev/shm", "memory", 50, 10, 10 * time.Minute, 100, 15 * time.Second,
		600 * time.Second, 10000, 64, 1024, "sqlite:data/studysharper.db", "offline", time.Minute, "text",
		32000, 0, 8, "", "", "rules", ""}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("defaults:\n got %v\nwant %v", got, want)
	}
}

func TestConfigDerivesWhatDependsOnOtherSettings(t *testing.T) {
	c, err := Load(map[string]string{"LLM_API_KEY": "k", "ENVIRONMENT": "production", "ADMIN_TOKEN": "0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	if c.LLMProvider != "openai" || c.APIKey() != "k" || c.LogFormat != "json" {
		t.Errorf("got provider %q, key %q, format %q", c.LLMProvider, c.APIKey(), c.LogFormat)
	}
}

func TestConfigTellsEveryFaultAtOnceAndNamesIt(t *testing.T) {
	tests := map[string]string{
		"PORT": "eighty", "WEB_CONCURRENCY": "0", "WORKER_TIMEOUT": "-3", "GRACEFUL_TIMEOUT": "soon", "MAX_REQUESTS": "-1",
		"MAX_REQUESTS_JITTER": "1e3", "CACHE_TTL": "0", "CACHE_MAX_ITEMS": "", "SSE_QUEUE_SIZE": "9", "LOG_LEVEL": "loud",
		"ENVIRONMENT": "prod", "MAX_BODY_KB": "99999999", "LLM_PROVIDER": "oracle",
	}
	_, err := Load(tests)
	var faults Faults
	if !errors.As(err, &faults) {
		t.Fatalf("got %v, want Faults", err)
	}
	told := map[string]Fault{}
	for _, f := range faults {
		told[f.Setting] = f
	}
	for name, value := range tests {
		if f, ok := told[name]; value != "" && (!ok || !strings.Contains(f.Error(), value) || !strings.Contains(f.Error(), "must be")) {
			t.Errorf("%s=%s: got %q", name, value, f.Error())
		}
	}
	if len(faults) != len(tests)-1 {
		t.Errorf("got %d faults, want %d:\n%v", len(faults), len(tests)-1, err)
	}
}

func TestConfigBoundsHoldOnePast(t *testing.T) {
	tests := []struct {
		name, inside, outside string
	}{
		{"PORT", "65535", "65536"}, {"WEB_CONCURRENCY", "32", "33"}, {"WEB_CONCURRENCY", "1", "0"},
		{"WORKER_TIMEOUT", "1", "0"}, {"WORKER_TIMEOUT", "1h", "3601"}, {"SSE_QUEUE_SIZE", "10", "9"},
		{"MAX_BODY_KB", "16384", "16385"}, {"GRACEFUL_TIMEOUT", "0", "61m"},
		{"LLM_CONTEXT_TOKENS", "1000", "999"}, {"LLM_MAX_TOKENS", "1000000", "1000001"}, {"LLM_MAX_CALLS", "1", "0"},
	}
	for _, tt := range tests {
		if _, err := Load(map[string]string{tt.name: tt.inside}); err != nil {
			t.Errorf("%s=%s: %v", tt.name, tt.inside, err)
		}
		if _, err := Load(map[string]string{tt.name: tt.outside}); err == nil {
			t.Errorf("%s=%s was taken", tt.name, tt.outside)
		}
	}
}

func TestConfigRefusesWhatIsUnsafeOrNotBuilt(t *testing.T) {
	tests := []struct {
		name    string
		given   map[string]string
		setting string
	}{
		{"no admin token in production", map[string]string{"ENVIRONMENT": "production"}, "ADMIN_TOKEN"},
		{"a short admin token in production", map[string]string{"ENVIRONMENT": "production", "ADMIN_TOKEN": "123456789012345"}, "ADMIN_TOKEN"},
		{"any origin in production", map[string]string{"ENVIRONMENT": "production", "ADMIN_TOKEN": "0123456789abcdef", "ALLOWED_ORIGINS": "*"}, "ALLOWED_ORIGINS"},
		{"an origin with a path", map[string]string{"ALLOWED_ORIGINS": "http://x/y"}, "ALLOWED_ORIGINS"},
		{"a model without a key", map[string]string{"LLM_PROVIDER": "openai"}, "LLM_PROVIDER"},
		{"a base URL of no port", map[string]string{"LLM_BASE_URL": "http://localhost:99999/v1"}, "LLM_BASE_URL"},
		{"a base URL in two words", map[string]string{"LLM_BASE_URL": "http://local host/v1"}, "LLM_BASE_URL"},
		{"a model with a comment", map[string]string{"LLM_MODEL": "canary#1"}, "LLM_MODEL"},
		{"a model in two words", map[string]string{"LLM_MODEL": "claude haiku"}, "LLM_MODEL"},
		{"fallbacks without commas", map[string]string{"LLM_FALLBACK_MODELS": "one,two three"}, "LLM_FALLBACK_MODELS"},
		{"a judge in two words", map[string]string{"LLM_JUDGE_MODEL": "claude haiku"}, "LLM_JUDGE_MODEL"},
		{"an effort in two words", map[string]string{"LLM_REASONING_EFFORT": "very high"}, "LLM_REASONING_EFFORT"},
		{"an API version with a query", map[string]string{"LLM_API_VERSION": "2024-10-21&x=y"}, "LLM_API_VERSION"},
		{"a key in two words", map[string]string{"LLM_API_KEY": "Bearer hunter2"}, "LLM_API_KEY"},
		{"a key of other letters", map[string]string{"OPENROUTER_API_KEY": "hunter2-schlüssel"}, "OPENROUTER_API_KEY"},
		{"a host with a port", map[string]string{"HOST": "localhost:8000"}, "HOST"},
		{"an address in brackets", map[string]string{"HOST": "[::1]"}, "HOST"},
		{"a host in two words", map[string]string{"HOST": "local host"}, "HOST"},
		{"an origin with a user", map[string]string{"ALLOWED_ORIGINS": "http://u@x"}, "ALLOWED_ORIGINS"},
		{"an origin of no port", map[string]string{"ALLOWED_ORIGINS": "http://x:65536"}, "ALLOWED_ORIGINS"},
		{"a SQLite URL with slashes", map[string]string{"DATABASE_URL": "sqlite:///data/x.db"}, "DATABASE_URL"},
		{"a database in libpq's words", map[string]string{"DATABASE_URL": "host=h password=hunter2"}, "DATABASE_URL"},
		{"an invalid base URL", map[string]string{"LLM_BASE_URL": "openrouter"}, "LLM_BASE_URL"},
		{"a proxy that is not a CIDR", map[string]string{"TRUSTED_PROXIES": "10.0.0.1"}, "TRUSTED_PROXIES"},
		{"a host with a scheme", map[string]string{"ALLOWED_HOSTS": "http://x"}, "ALLOWED_HOSTS"},
		{"a host with a path", map[string]string{"ALLOWED_HOSTS": "x/y"}, "ALLOWED_HOSTS"},
		{"a host of no port", map[string]string{"ALLOWED_HOSTS": "x:0"}, "ALLOWED_HOSTS"},
		{"a short JWT secret in production", map[string]string{"ENVIRONMENT": "production", "ADMIN_TOKEN": "0123456789abcdef",
			"JWT_SECRET": "hunter2-of-one-and-thirty-bytes"}, "JWT_SECRET"},
		{"published keys over http", map[string]string{"JWT_JWKS_URL": "http://u:hunter2@issuer.example/keys"}, "JWT_JWKS_URL"},
		{"published keys in a file", map[string]string{"JWT_JWKS_URL": "file:///keys"}, "JWT_JWKS_URL"},
		{"published keys at no host", map[string]string{"JWT_JWKS_URL": "https:///keys"}, "JWT_JWKS_URL"},
		{"a JWT secret and published keys", map[string]string{"JWT_SECRET": "hunter2", "JWT_JWKS_URL": "https://issuer.example/keys"}, "JWT_JWKS_URL"},
		{"a Redis of no known kind", map[string]string{"REDIS_URL": "memcached://:hunter2@localhost"}, "REDIS_URL"},
		{"a Redis without a port that is one", map[string]string{"REDIS_URL": "redis://:hunter2@localhost:x"}, "REDIS_URL"},
		{"sentinels of no master", map[string]string{"REDIS_URL": "redis+sentinel://:hunter2@localhost"}, "REDIS_URL"},
		{"Redis cache without Redis", map[string]string{"CACHE_BACKEND": "redis"}, "CACHE_BACKEND"},
		{"tiered cache without Redis", map[string]string{"CACHE_BACKEND": "tiered"}, "CACHE_BACKEND"},
		{"streams of all instances without Redis", map[string]string{"SSE_MAX_STREAMS_TOTAL": "1"}, "SSE_MAX_STREAMS_TOTAL"},
		{"runs of all instances without Redis", map[string]string{"MAX_CONCURRENT_RUNS_TOTAL": "1"}, "MAX_CONCURRENT_RUNS_TOTAL"},
		{"a database of no known kind", map[string]string{"DATABASE_URL": "mysql://u:hunter2@h/db"}, "DATABASE_URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(tt.given)
			var faults Faults
			if !errors.As(err, &faults) || len(faults) != 1 || faults[0].Setting != tt.setting {
				t.Errorf("got %v, want one fault of %s", err, tt.setting)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the fault tells the password: %v", err)
			}
		})
	}
}

func TestARedisMakesTheCacheTiered(t *testing.T) {
	for backend, want := range map[string]string{"": "tiered", "memory": "memory", "redis": "redis", "tiered": "tiered"} {
		c, err := Load(map[string]string{"REDIS_URL": "rediss+sentinel://u:hunter2@a,b/main", "CACHE_BACKEND": backend})
		if err != nil || c.CacheBackend != want {
			t.Errorf("CACHE_BACKEND=%q is %q, %v", backend, c.CacheBackend, err)
		}
	}
}

func TestConfigTakesEveryKindOfHost(t *testing.T) {
	for _, host := range []string{"localhost", "app-1.internal", "my_app", "example.org.", "0.0.0.0", "::", "::1", "fe80::1%eth0"} {
		if c, err := Load(map[string]string{"HOST": host}); err != nil || c.Host != host {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestConfigTakesEitherWayToProveWhoAUserIs(t *testing.T) {
	for setting, values := range map[string][]string{
		"JWT_SECRET":   {"0123456789abcdef0123456789abcdef"},
		"JWT_JWKS_URL": {"https://issuer.example/keys", "http://localhost:8080/keys", "http://127.0.0.1/keys", "http://[::1]/keys"},
	} {
		for _, value := range values {
			if _, err := Load(map[string]string{"ENVIRONMENT": "production", "ADMIN_TOKEN": "0123456789abcdef", setting: value}); err != nil {
				t.Errorf("%s=%s: %v", setting, value, err)
			}
		}
	}
}

func TestNoSecretIsPrinted(t *testing.T) {
	secrets := map[string]string{
		"ADMIN_TOKEN": "canary-admin-token-1", "OPENROUTER_API_KEY": "canary-2", "LLM_API_KEY": "canary-3",
		"LLM_BASE_URL": "https://user:canary-4@example.com/v1?key=canary-5", "DATABASE_URL": "postgres://user:canary-6@h1,h2/x?sslpassword=canary-7",
		"JWT_SECRET": "canary-8",
	}
	c, err := Load(secrets)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "canary") {
		t.Errorf("a secret was printed:\n%s", out.String())
	}
	for _, want := range []string{"ADMIN_TOKEN=" + redacted, "PORT=8000", "CACHE_TTL=10m0s", "JWT_SECRET=" + redacted, "JWT_JWKS_URL=\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, out.String())
		}
	}
}

func TestEverySettingIsParsedOrNamedInTheFault(t *testing.T) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		name := field.Tag.Get("env")
		if field.Type.Kind() == reflect.String || field.Type.Kind() == reflect.Slice {
			continue
		}
		_, err := Load(map[string]string{name: "nonsense"})
		if err == nil || !strings.HasPrefix(err.Error(), name+`="nonsense": must be`) {
			t.Errorf("%s=nonsense: got %v", name, err)
		}
	}
}
