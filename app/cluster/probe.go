package cluster

import (
	"context"
	"strings"

	"studysharper/app/config"
)

// CheckSettings is a config.Probe: it connects to Redis once. If Redis rejects us, the settings are wrong. If it does
// not answer, that is only a warning, since it may start later.
func CheckSettings(ctx context.Context, c config.Config) (warnings []string, err error) {
	if c.RedisURL == "" {
		return nil, nil
	}
	_, refused, err := Probe(ctx, c.RedisURL)
	if err == nil {
		return nil, nil
	}
	why := strings.Join(strings.Fields(err.Error()), " ")
	if refused {
		return nil, config.Faults{{Setting: "REDIS_URL", Value: config.RedactURL(c.RedisURL), Accepted: "is refused by Redis: " + why}}
	}
	return []string{"Redis does not answer: running standalone until it does (" + why + ")"}, nil
}
