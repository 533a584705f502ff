package openai

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"studysharper/app/text"
)

// report is an upstream's report of a failure, in any dialect. Its text may quote the prompt or the key: it is searched
// for known words, and never shown or logged.
type report struct {
	status    int    // HTTP status, or the equivalent of an error in a 200 response
	implied   bool   // the status is a guess
	generated string // the answer that the upstream's own JSON check rejected (Groq); "" = none
	text      string // lower case
	wait      time.Duration

	code, class, param string // as given by the upstream, for the log; "" = none, or not a plain word
	moderated          bool   // OpenRouter lists a moderator's reasons
	limit, size        int    // tokens of the model's context and of the request; 0 = unknown
}

const maxReportDepth = 12 // of nested values that are read

// newReport parses an error's body, or the error object inside a body.
func newReport(status int, body []byte, now time.Time) *report {
	r := &report{status: status}
	var value any
	if json.Unmarshal(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf")), &value) == nil {
		var text strings.Builder
		r.walk("", value, &text, now, 0)
		r.text = text.String()
	} else {
		r.text = strings.ToLower(string(body[:min(len(body), maxErrorText)]))
	}
	r.readNumbers()
	return r
}

// skipped are fields that quote the request or identify the sender.
var skipped = []string{"input", "ctx", "user_id", "request_id", "failed_generation", "flagged_input", "provider_name", "url"}

func (r *report) walk(key string, value any, text *strings.Builder, now time.Time, depth int) {
	if depth > maxReportDepth || slices.Contains(skipped, key) {
		if said, ok := value.(string); ok && key == "failed_generation" {
			r.generated = said
		}
		return
	}
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			r.walk(strings.ToLower(name), v[name], text, now, depth+1)
		}
	case []any:
		r.moderated = r.moderated || key == "reasons"
		for _, item := range v {
			r.walk(key, item, text, now, depth+1)
		}
	case string:
		var inner any
		if strings.HasPrefix(v, "{") && json.Unmarshal([]byte(v), &inner) == nil { // OpenRouter's "raw"
			r.walk(key, inner, text, now, depth+1)
			return
		}
		r.note(key, v, now)
		text.WriteString(strings.ToLower(v))
		text.WriteByte('\n')
	case float64:
		r.note(key, strconv.FormatFloat(v, 'f', -1, 64), now)
	}
}

// note stores the value of a known field.
func (r *report) note(key, value string, now time.Time) {
	switch key {
	case "code":
		r.code = firstWord(r.code, value)
	case "type", "status", "reason":
		r.class = firstWord(r.class, value)
	case "param", "loc":
		if r.param == "" || key == "loc" {
			r.param = firstWord("", value)
		}
	case "n_ctx":
		r.limit, _ = strconv.Atoi(value)
	case "n_prompt_tokens":
		r.size, _ = strconv.Atoi(value)
	case "retrydelay", "retry_after", "estimated_time":
		wait, ok := readWait(value, time.Second)
		if d, err := time.ParseDuration(value); !ok && err == nil {
			wait = d
		}
		r.wait = max(r.wait, min(wait, maxRetryAfter))
	case "retry_after_ms":
		wait, _ := readWait(value, time.Millisecond)
		r.wait = max(r.wait, wait)
	case "x-ratelimit-reset":
		r.wait = max(r.wait, readReset(value, now))
	}
}

// plainWord matches error codes. Keys have hyphens or long numbers, prompts have spaces. Like all patterns that not
// every process needs, it is compiled when it is first used: compiling them at the start takes a tenth of a worker's
// boot time.
var (
	plainWord  = text.Pattern(`^[A-Za-z][A-Za-z_]*[0-9]{0,3}([.\[][A-Za-z0-9_]{1,30}\]?)*$`)
	longNumber = text.Pattern(`[0-9]{6}`)
	codeNumber = text.Pattern(`^[0-9]{3,5}$`)
)

// firstWord returns the word that was found before, or else value if it is a plain word.
func firstWord(before, value string) string {
	plain := plainWord().MatchString(value) && !longNumber().MatchString(value) || codeNumber().MatchString(value)
	if before != "" || len(value) > maxCodeBytes || !plain {
		return before
	}
	return value
}

// impliedStatus returns the HTTP status that is equivalent to an error inside a 200 response. Its code may be a number
// (OpenRouter) or a word (OpenAI); without a known one the status is 500, a guess.
func (r *report) impliedStatus() (status int, guessed bool) {
	for _, word := range []string{r.code, r.class} {
		if n, err := strconv.Atoi(word); err == nil && n >= 400 && n <= 599 {
			return n, false
		}
		if status, ok := errorWords[strings.ToLower(word)]; ok {
			return status, false
		}
	}
	return http.StatusInternalServerError, true
}

// errorWords maps error codes and types to statuses other than 500.
var errorWords = map[string]int{
	"invalid_api_key":         http.StatusUnauthorized,
	"authentication_error":    http.StatusUnauthorized,
	"unauthenticated":         http.StatusUnauthorized,
	"permission_denied":       http.StatusForbidden,
	"permission_error":        http.StatusForbidden,
	"insufficient_quota":      http.StatusPaymentRequired,
	"model_not_found":         http.StatusNotFound,
	"not_found_error":         http.StatusNotFound,
	"not_found":               http.StatusNotFound,
	"invalid_request_error":   http.StatusBadRequest,
	"invalid_argument":        http.StatusBadRequest,
	"badrequesterror":         http.StatusBadRequest,
	"context_length_exceeded": http.StatusBadRequest,
	"rate_limit_exceeded":     http.StatusTooManyRequests,
	"rate_limit_error":        http.StatusTooManyRequests,
	"resource_exhausted":      http.StatusTooManyRequests,
	"overloaded_error":        http.StatusServiceUnavailable,
	"unavailable":             http.StatusServiceUnavailable,
}

// names reports whether the report is about a parameter with one of these names. If the report has a field for the
// parameter, only that field counts, not the parameters that the text mentions.
func (r *report) names(words []string) bool {
	if param := strings.ToLower(r.param); slices.ContainsFunc(knownParams, func(known string) bool { return containsWord(param, known) }) {
		return slices.ContainsFunc(words, func(word string) bool { return containsWord(param, word) })
	}
	return r.says(words...)
}

var knownParams = []string{"max_tokens", "max_completion_tokens", "stream_options", "response_format", "reasoning_effort", "stream"}

// says reports whether the text contains one of the words as a whole word.
func (r *report) says(words ...string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return containsWord(r.text, word) })
}

func containsWord(s, word string) bool {
	for at := 0; ; {
		i := strings.Index(s[at:], word)
		if i < 0 {
			return false
		}
		begin, end := at+i, at+i+len(word)
		if (begin == 0 || !inWord(s[begin-1])) && (end == len(s) || !inWord(s[end])) {
			return true
		}
		at = end
	}
}

func inWord(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}

// cause returns an error for the log: numbers and plain words, none of the text.
func (r *report) cause() error {
	said := "upstream status " + strconv.Itoa(r.status)
	for _, field := range [][2]string{{"code", r.code}, {"type", r.class}, {"param", r.param}} {
		if field[1] != "" {
			said += ", " + field[0] + " " + field[1]
		}
	}
	return errors.New(said)
}

// Sizes as upstreams write them: "maximum context length is 4096 tokens. However, your messages resulted in 9000",
// "prompt is too long: 9000 tokens > 4096 maximum", "token count (9000) exceeds the maximum number of tokens allowed
// (4096)".
var (
	limitSaid = text.Pattern(`(?:context (?:length|window|size)|maximum(?: number of tokens| input length)?|limit|max size|only)(?: allowed| is| of|[ :(]){0,6}(\d{3,8})|> (\d{3,8}) maximum|(\d{3,8}) maximum context`)
	sizeSaid  = text.Pattern(`(?:resulted in|requested|contains|token count|too long:|prompt \(|the first|has at least|your request has|request \()[ a-z:(]{0,12}(\d{3,8})`)
	thousands = text.Pattern(`(\d),(\d{3})`)
	waitSaid  = text.Pattern(`try again in ((?:\d{1,6}(?:\.\d{1,9})?(?:ms|s|m|h))+)`)
)

// readNumbers finds the sizes and the delay that are only in the text.
func (r *report) readNumbers() {
	if strings.Contains(r.text, "token") || strings.Contains(r.text, "context") {
		text := thousands().ReplaceAllString(r.text, "$1$2")
		r.limit = cmp.Or(r.limit, firstNumber(limitSaid(), text))
		r.size = cmp.Or(r.size, firstNumber(sizeSaid(), text))
	}
	if r.wait == 0 && strings.Contains(r.text, "try again in") {
		if said := waitSaid().FindStringSubmatch(r.text); said != nil {
			wait, _ := time.ParseDuration(said[1]) // 0 if the number is too long
			r.wait = min(wait, maxRetryAfter)
		}
	}
}

func firstNumber(pattern *regexp.Regexp, text string) int {
	found := pattern.FindStringSubmatch(text)
	for _, group := range found[min(1, len(found)):] {
		if n, err := strconv.Atoi(group); err == nil {
			return n
		}
	}
	return 0
}
