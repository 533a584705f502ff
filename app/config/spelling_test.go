package config_test

import (
	"os"
	"strings"
	"testing"

	"studysharper/app/config"
)

func TestMisspeltSettingsAreWarnedOf(t *testing.T) {
	for variable, meant := range map[string]string{
		"WEB_CONCURENCY": "WEB_CONCURRENCY", "DATABSE_URL": "DATABASE_URL", "DATABASE_ULR": "DATABASE_URL", "ADMIN_TOKE": "ADMIN_TOKEN", "ADMINTOKEN": "ADMIN_TOKEN",
		"OPENROUTER_APIKEY": "OPENROUTER_API_KEY", "OPEN_ROUTER_API_KEY": "OPENROUTER_API_KEY", "LLM_MODLE": "LLM_MODEL", "ALLOWED_ORIGIN": "ALLOWED_ORIGINS", //nolint:misspell // misspelt on purpose
		"REDIS_URI": "REDIS_URL", "PROT": "PORT", "HOTS": "HOST", "web_concurrency": "WEB_CONCURRENCY", "ENVIROMENT": "ENVIRONMENT", "SSE_MAX_STREAM": "SSE_MAX_STREAMS", //nolint:misspell // misspelt on purpose
		"WEBCONCURENCY": "WEB_CONCURRENCY", "MAX_REQUEST_JITTERS": "MAX_REQUESTS_JITTER",
	} {
		if got := config.Misspelt([]string{variable}); len(got) != 1 || !strings.HasPrefix(got[0], variable+" is not a setting") || !strings.HasSuffix(got[0], " "+meant+"?") {
			t.Errorf("%s: %q, want %s", variable, got, meant)
		}
	}
}

func TestVariablesOfOthersAreNotTakenForMisspelt(t *testing.T) {
	others := append(config.SettingNames(), "HOSTNAME", "HOME", "PATH", "PWD", "OLDPWD", "SHELL", "TERM", "USER", "LOGNAME", "LANG", "SHLVL", "MAIL", "TEST", "POST", "HOSTS", "PORTS", "PORT0", "PORT_8000",
		"PORT_8000_TCP", "REDIS_PORT", "REDIS_HOST", "REDIS_SERVICE_PORT", "KUBERNETES_PORT", "KUBERNETES_SERVICE_HOST", "HTTP_PORT", "APP_PORT", "POSTGRES_URL", "DATABASE_HOST", "LLM_API_KEY_2",
		"RENDER", "RENDER_EXTERNAL_URL", "IS_PULL_REQUEST", "DYNO", "GOMEMLIMIT", "TZ", "_", "", "container", "SSL_CERT_FILE", "HTTPS_PROXY", "NO_PROXY", "DOCKER_HOST", "OPENAI_API_KEY", "ALLOWED_HOSTS",
		"RUN_LIMIT_PER_HOUR", "WEB_WORKERS", "ENVIRONMENT_ID", // three letters
	)
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		others = append(others, name)
	}
	if got := config.Misspelt(others); len(got) > 0 {
		t.Errorf("%q", got)
	}
}
