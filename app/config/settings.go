package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"
)

// Meanings describes each setting. The defaults and accepted values are in Config's tags.
var Meanings = map[string]string{
	"HOST":                           "address to listen on",
	"PORT":                           "port to listen on; 0 = any free port",
	"ENVIRONMENT":                    "`production` refuses unsafe settings and logs JSON",
	"WEB_CONCURRENCY":                "number of worker processes; refused if they do not fit into the memory",
	"WORKER_TIMEOUT":                 "a worker that is unresponsive for longer than this is replaced; a request that runs longer is ended",
	"GRACEFUL_TIMEOUT":               "how long a stop waits for work in flight; `8` in the image, because `docker stop` kills after 10 s",
	"MAX_REQUESTS":                   "a worker is replaced after this many requests; 0 = never. Probes, `/metrics` and requests refused at capacity do not count",
	"MAX_REQUESTS_JITTER":            "a random number from 0 to this is added to `MAX_REQUESTS`",
	"MIN_WORKER_AGE":                 "a worker younger than this is not replaced because of `MAX_REQUESTS`, unless its memory is above its share; 0 = no minimum",
	"MAX_WORKER_MEMORY_MB":           "a worker whose anonymous memory is above this is replaced; 0 = seven eighths of its share. At least 8, at most a worker's part of the container's memory",
	"WORKER_TMP_DIR":                 "folder of the scoreboard file; if it cannot be used, the scoreboard is in anonymous memory",
	"CACHE_BACKEND":                  "where answers are cached; `tiered` when `REDIS_URL` is set, else `memory`",
	"CACHE_MAX_ITEMS":                "answers in each worker's cache",
	"CACHE_MAX_MB":                   "total size of the answers in each worker's cache; an answer larger than half of it is not cached",
	"CACHE_TTL":                      "how long an answer is served from the cache",
	"RETENTION_DAYS":                 "days after which runs, executions and unused sessions are deleted; 0 = never",
	"SSE_QUEUE_SIZE":                 "events kept per session",
	"SSE_KEEPALIVE":                  "a quiet stream gets a comment at this interval",
	"SSE_STALE_AFTER":                "idle streams and sessions are closed and freed after this",
	"SSE_MAX_STREAMS":                "open streams over all workers of the container; fewer if the limit of open files requires it. Above it 503 with `Retry-After`",
	"MAX_CONCURRENT_RUNS":            "agent runs over all workers of the container; above it 503 with `Retry-After`",
	"SSE_MAX_STREAMS_PER_CLIENT":     "open streams of a client, over all workers of the container; above it 429 with `Retry-After`. 0 = a quarter of `SSE_MAX_STREAMS`, at least 1",
	"MAX_CONCURRENT_RUNS_PER_CLIENT": "agent runs of a client, over all workers of the container; above it 429 with `Retry-After`. 0 = a quarter of `MAX_CONCURRENT_RUNS`, at least 1",
	"MAX_BODY_KB":                    "size of a request body; above it 413",
	"MAX_UPLOAD_MB":                  "size of an imported file; above it 413",
	"MAX_UPLOAD_PAGES":               "pages or slides of an imported file; above it 422",
	"REDIS_URL":                      "enables the distributed mode: `redis://HOST`, `redis+sentinel://HOST,HOST/MASTER` or `redis+cluster://HOST,HOST`; `rediss…` with TLS",
	"SSE_MAX_STREAMS_TOTAL":          "open streams over all instances; 0 = no limit",
	"MAX_CONCURRENT_RUNS_TOTAL":      "agent runs over all instances; 0 = no limit",
	"DATABASE_URL":                   "`sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`; `sqlite:/data/studysharper.db` in the image",
	"LLM_PROVIDER":                   "`openai` = any OpenAI-compatible API, the default with a key or an `LLM_BASE_URL`; `offline` = the built-in engine",
	"OPENROUTER_API_KEY":             "key for OpenRouter; sent to no other host",
	"LLM_API_KEY":                    "key for the API at `LLM_BASE_URL`; also for OpenRouter if `OPENROUTER_API_KEY` is not set",
	"LLM_BASE_URL":                   "URL of the model's API, usually ending with `/v1`; without a key, it is called without authentication",
	"LLM_MODEL":                      "the model that is called first",
	"LLM_FALLBACK_MODELS":            "models called in order if the first fails or refuses",
	"LLM_TIMEOUT":                    "time limit of an answer that is not streamed, including retries and fallbacks; a streamed answer may take `WORKER_TIMEOUT`, but at most 30 s without a byte",
	"LLM_CONTEXT_TOKENS":             "tokens of a prompt and its answer together; fewer if the API reports a smaller limit of the model",
	"LLM_MAX_TOKENS":                 "tokens of one answer, including reasoning; 0 = depends on the task",
	"LLM_MAX_CALLS":                  "model calls for one request, including corrections, retries and fallbacks",
	"LLM_REASONING_EFFORT":           "how much a reasoning model thinks, e.g. `low`; sent to models that support it",
	"LLM_API_VERSION":                "Azure's `api-version`; with it, the key is sent as `api-key`",
	"LLM_JUDGE":                      "how answers are checked: `rules` = shape and evidence, `model` = also by a model",
	"LLM_JUDGE_MODEL":                "the model that checks answers; empty = `LLM_MODEL`",
	"ADMIN_TOKEN":                    "token for `/api/admin`, which answers 403 if none is set; in production at least 16 characters, and not a common password",
	"ALLOWED_ORIGINS":                "origins whose pages may call the API (CORS); a write from a page of another origin gets 403",
	"ALLOWED_HOSTS":                  "host names under which the service may be called, with or without a port; requests for others get 403, except probes. Empty = any",
	"MCP":                            "`on` serves the Model Context Protocol at `/mcp`, for assistants that students already use",
	"AUTH_MODE":                      "how users are identified: `account` = by accounts of this service, `jwt` = by an issuer's tokens, `none` = `user_id` is trusted. The default is `jwt` if `JWT_SECRET` or `JWT_JWKS_URL` is set, else `account` in production and `none` in development",
	"ACCOUNT_LIMIT_PER_HOUR":         "new accounts per hour from an address; above it 429. 0 = off",
	"STORE_LIMIT_MB_PER_DAY":         "megabytes per day that an address may save with all of its accounts; above it 429. 0 = off",
	"RATE_LIMIT_PER_MINUTE":          "`process-stream` requests per minute of a client, over all workers and instances; 0 = off",
	"RATE_LIMIT_PER_HOUR":            "the same per hour",
	"RUN_LIMIT_PER_MINUTE":           "runs per minute of a client that call a model, through any endpoint, over all workers and instances. The client is the user and, with accounts, also the address. Cached answers and the offline engine's answers do not count. 0 = off",
	"RUN_LIMIT_PER_HOUR":             "the same per hour",
	"TOKENS_PER_DAY":                 "upstream tokens of all users per day (UTC); above it 429 `budget`. 0 = off",
	"TOKENS_PER_DAY_PER_USER":        "the same for each user",
	"QUOTA_NOTES_MB":                 "megabytes of notes stored per user, and the same again for study aids and conversations; above it 507 `quota`. 0 = off",
	"QUOTA_ITEMS":                    "notes, study aids and conversations stored per user; above it 507 `quota`. 0 = off",
	"DISK_RESERVE_MB":                "if the SQLite file's disk has less free space than this, writes get 507 and reads still work; the log warns below twice as much. 0 = off",
	"TRUSTED_PROXIES":                "networks whose `X-Forwarded-For` header is trusted",
	"JWT_SECRET":                     "secret of the users' HS256 tokens; in production at least 32 bytes, and not a common password",
	"JWT_JWKS_URL":                   "URL of the public keys for the users' tokens (JWKS); an alternative to `JWT_SECRET`, not in addition to it",
	"JWT_ISSUER":                     "the `iss` that users' tokens must have; empty = any",
	"JWT_AUDIENCE":                   "an audience that the `aud` of users' tokens must contain; empty = any",
	"LOG_LEVEL":                      "lowest level that is logged",
	"LOG_FORMAT":                     "`json` in production, else `text`",
	"LOG_CLIENTS":                    "`hash` adds `client` to each request's log line: a hash of the address. Its key is random, changes every day at midnight UTC, and exists only in memory, so the hashes of two instances differ",
}

// PrintSettings writes all settings as a Markdown table.
func PrintSettings(w io.Writer) error {
	var table strings.Builder
	table.WriteString("| variable | default | accepted | meaning |\n| --- | --- | --- | --- |\n")
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		name := field.Tag.Get("env")
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", name, code(field.Tag.Get("envDefault")), takes(field), Meanings[name])
	}
	_, err := io.WriteString(w, table.String())
	return err
}

// takes returns a short description of the values that a setting accepts.
func takes(field reflect.StructField) string {
	if choices := field.Tag.Get("oneof"); choices != "" {
		return "`" + strings.ReplaceAll(choices, "|", "`, `") + "`"
	}
	from, to, bounded := strings.Cut(field.Tag.Get("range"), "..")
	switch {
	case bounded:
		return from + " to " + to
	case field.Type == reflect.TypeFor[time.Duration]():
		return "seconds, or a duration"
	case field.Type.Kind() == reflect.Slice:
		return "a list with commas"
	default:
		return ""
	}
}

func code(text string) string {
	if text == "" {
		return "–"
	}
	return "`" + text + "`"
}
