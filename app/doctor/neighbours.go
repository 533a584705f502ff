package doctor

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"studysharper/app/cluster"
	"studysharper/app/config"
	"studysharper/app/store"
	"studysharper/app/study"
)

// How long the doctor waits for each service.
const (
	databaseWait = 5 * time.Second
	upstreamWait = 3 * time.Second
)

// redisLine asks Redis as a worker does. Without Redis the service runs standalone; a Redis that evicts keys without
// an expiry when it is full loses events.
func redisLine(ctx context.Context, c config.Config) finding {
	const subject = "redis"
	if c.RedisURL == "" {
		return found(fine, subject, "REDIS_URL is not set: cache, limits and events are local to this container")
	}
	shown := config.RedactURL(c.RedisURL)
	policy, refused, err := cluster.Probe(ctx, c.RedisURL)
	switch {
	case refused:
		return found(broken, subject, "%s refuses us: %s", shown, oneLine(err.Error()))
	case err != nil:
		return found(lacking, subject, "%s cannot be reached: %s; the instance would run standalone", shown, oneLine(err.Error()))
	case strings.HasPrefix(policy, "allkeys"):
		return found(lacking, subject, "%s answers, but drops events when it is full (maxmemory-policy %s): set volatile-lru", shown, policy)
	}
	return found(fine, subject, "%s answers and can be written to", shown)
}

// databaseLine looks at the database as a start does, and changes nothing. A database that the next start would
// create or migrate is fine too.
func databaseLine(ctx context.Context, c config.Config) finding {
	const subject = "database"
	shown := config.RedactURL(c.DatabaseURL)
	ctx, cancel := context.WithTimeout(ctx, databaseWait)
	defer cancel()
	state, err := store.Check(ctx, c.DatabaseURL)
	switch {
	case err != nil:
		return found(broken, subject, "%s cannot be used: %s", shown, oneLine(study.AsError(err).Message))
	case state == store.Absent:
		return found(fine, subject, "%s is not there yet; the next start makes it", shown)
	case state == store.Outdated:
		return found(fine, subject, "%s answers; the next start migrates it", shown)
	default:
		return found(fine, subject, "%s answers, and has this version's schema", shown)
	}
}

// upstreamLine asks the model's API for the list of its models, which costs nothing.
func upstreamLine(ctx context.Context, c config.Config) finding {
	const subject = "upstream"
	if c.LLMProvider == "offline" {
		return found(fine, subject, "offline: the built-in engine answers, no model is asked (neither OPENROUTER_API_KEY, LLM_API_KEY nor LLM_BASE_URL is set, or LLM_PROVIDER says so)")
	}
	shown := config.RedactURL(c.LLMBaseURL)
	status, err := modelsStatus(ctx, c)
	switch {
	case err != nil:
		return found(broken, subject, "%s cannot be reached: %s", shown, oneLine(err.Error()))
	case status == http.StatusOK && c.APIKey() == "":
		return found(fine, subject, "%s answers without a key; %s is asked first", shown, c.LLMModel)
	case status == http.StatusOK:
		return found(fine, subject, "%s answers and takes the key; %s is asked first", shown, c.LLMModel)
	case (status == http.StatusUnauthorized || status == http.StatusForbidden) && c.APIKey() == "":
		return found(broken, subject, "%s asks for a key (%d): set OPENROUTER_API_KEY or LLM_API_KEY", shown, status)
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return found(broken, subject, "%s refuses the key (%d)", shown, status)
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		return found(lacking, subject, "%s answers but lists no models (%d): whether it takes the key shows with the first request", shown, status)
	default:
		return found(broken, subject, "%s answers with status %d", shown, status)
	}
}

// modelsStatus returns the status of GET {base}/models. Its error names no URL, because a URL
// may hold a key.
func modelsStatus(ctx context.Context, c config.Config) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, upstreamWait)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(c.LLMBaseURL, "/")+"/models", nil)
	if err != nil {
		return 0, errors.New("the address cannot be used")
	}
	if key := c.APIKey(); key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	// A redirect could carry the key anywhere.
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if err != nil {
		return 0, whyUnreached(err)
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.CopyN(io.Discard, response.Body, 1<<20)
	return response.StatusCode, nil
}

// whyUnreached keeps only the error texts of this side: others may quote the upstream.
func whyUnreached(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer within " + upstreamWait.String())
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op
	}
	return errors.New("the HTTP exchange failed")
}
