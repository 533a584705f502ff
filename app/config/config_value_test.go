package config_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"studysharper/app/config"
)

func TestWhiteSpaceAroundAValueDoesNotCount(t *testing.T) {
	c, err := config.Load(map[string]string{"LLM_API_KEY": "key\n", "PORT": " 9000\r\n", "CACHE_TTL": "\t5m ", "LOG_LEVEL": " debug", "DATABASE_URL": "sqlite:x.db\n",
		"ALLOWED_ORIGINS": " http://a.example , http://b.example,\n", "LLM_FALLBACK_MODELS": "one, two,,", "ALLOWED_HOSTS": "study.example, [::1]:8000", "TRUSTED_PROXIES": "10.0.0.0/8, 172.16.0.0/12", "JWT_SECRET": " \n"})
	if err != nil {
		t.Fatal(err)
	}
	got := []any{c.LLMAPIKey, c.LLMProvider, c.Port, c.CacheTTL.String(), c.LogLevel, c.DatabaseURL, c.AllowedOrigins, c.LLMFallbacks, c.TrustedProxies, c.JWTSecret}
	want := []any{"key", "openai", 9000, "5m0s", "debug", "sqlite:x.db", []string{"http://a.example", "http://b.example"}, []string{"one", "two"}, []string{"10.0.0.0/8", "172.16.0.0/12"}, ""}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestEverySettingRefusesQuotesCommentsAndWhatCannotBePrinted(t *testing.T) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[config.Config]()) {
		name := field.Tag.Get("env")
		for _, value := range []string{`"canary"`, `'canary'`, `""`, "canary # why", "canary\t#why", "# canary", "can\nary", "can\u200bary", "\ufeffcanary"} {
			_, err := config.Load(map[string]string{name: value})
			var faults config.Faults
			if !errors.As(err, &faults) || len(faults) != 1 || faults[0].Setting != name {
				t.Errorf("%s=%q: %v", name, value, err)
				continue
			}
			if said := err.Error(); strings.Contains(said, "\n") || (field.Tag.Get("secret") != "" && strings.Contains(said, "canary")) {
				t.Errorf("%s=%q: %s", name, value, said)
			}
		}
	}
}

func TestAHashOrAQuoteWithinAValueIsTaken(t *testing.T) {
	for _, value := range []string{"hash#inside-of-it-all", `quote"inside-of-it-all`, `"only-at-the-start-of-it`} {
		if c, err := config.Load(map[string]string{"ENVIRONMENT": "production", "ADMIN_TOKEN": value}); err != nil || c.AdminToken != value {
			t.Errorf("%s: %v", value, err)
		}
	}
}
