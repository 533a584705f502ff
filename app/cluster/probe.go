package cluster

import (
	"context"
	"strings"

	"studysharper/app/config"
)

// CheckSettings is a config.Probe: it asks Redis once. A Redis that refuses us is a fault of the settings; one that does
// not answer may come up later, so it is only a warning.
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
