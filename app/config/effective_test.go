package config_test

import (
	"errors"
	"strings"
	"testing"

	"studysharper/app/config"
)

func TestAMalformedDatabaseURLIsARefusedSetting(t *testing.T) {
	for _, url := range []string{"sqlite:", "sqlite://x.db", "sqlite:x.db?mode=ro", "postgres://u:canary@h:port/db", "postgres://u:canary@h/db?sslmode=maybe", "host=h password=canary", "data/x.db"} {
		var faults config.Faults
		_, err := config.Load(map[string]string{"DATABASE_URL": url})
		if !errors.As(err, &faults) || !strings.HasPrefix(err.Error(), "DATABASE_URL=") || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
