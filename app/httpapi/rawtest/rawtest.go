// Package rawtest is a corpus of raw HTTP requests for tests: requests that must be refused, because two parsers could
// interpret them differently, and unusual ones that must be served. The ids of the answers distinguish a request from
// what it smuggles, so the same test works for a listener in the same process and for a container.
package rawtest

import (
	"context"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	//go:embed refused.txt
	refused string
	//go:embed served.txt
	served string
)

// Canary is a secret in the head of every request of the corpus; no answer may contain it.
const Canary = "CANARY-7f3a"

// The ids of requests that must not be answered, or must be. A server returns them as X-Request-ID.
const (
	second   = "second"
	smuggled = "smuggled"
)

// names are abbreviations in the files for longer texts.
var names = map[string]string{
	"{get}":      `GET /livez HTTP/1.1\r\nHost: studysharper\r\nAuthorization: Bearer ` + Canary + `\r\n`,
	"{post}":     `POST /api/ai/process HTTP/1.1\r\nHost: studysharper\r\nContent-Type: application/json\r\nAuthorization: Bearer ` + Canary + `\r\n`,
	"{chunked}":  `GET /livez HTTP/1.1\r\nHost: studysharper\r\nAuthorization: Bearer ` + Canary + `\r\nTransfer-Encoding: chunked\r\n\r\n`,
	"{smuggled}": `GET /livez HTTP/1.1\r\nHost: studysharper\r\nX-Request-ID: ` + smuggled + `\r\n\r\n`,
}

// Request is a request of the corpus.
type Request struct {
	Section  string // of the file: what is wrong with the request
	Name     string
	Statuses []int  // accepted statuses of the answer
	Silent   bool   // no answer is accepted too
	Cut      bool   // the client closes its side after it; otherwise the server would wait for the rest
	Alone    bool   // no other request follows it
	Closed   bool   // it asks the server to close the connection
	Raw      string // the bytes to send
}

// Refused returns the requests that must be refused.
func Refused() []Request { return parse(refused) }

// Served returns the requests that must be served.
func Served() []Request { return parse(served) }

// parse parses a file of requests: `## SECTION`, `== TITLE: WORDS`, then the request in one or more lines, which are
// joined. They are written with Go's escapes, with {N*TEXT} for N times TEXT, and with the names above. Empty lines,
// and lines before the first title, are ignored. It panics if a file is malformed.
func parse(text string) []Request {
	var all []Request
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		heading, isHeading := strings.CutPrefix(line, "## ")
		title, isTitle := strings.CutPrefix(line, "== ")
		switch {
		case isHeading:
			section = heading
		case isTitle:
			all = append(all, titled(section, title))
		case len(all) > 0:
			all[len(all)-1].Raw += expand(line)
		}
	}
	return all
}

func titled(section, title string) Request {
	at := strings.LastIndex(title, ": ")
	r := Request{Section: section, Name: title[:at]}
	for word := range strings.FieldsSeq(title[at+2:]) {
		switch word {
		case "-":
			r.Silent = true
		case "cut":
			r.Cut = true
		case "alone":
			r.Alone = true
		case "closed":
			r.Closed = true
		default:
			status, err := strconv.Atoi(word)
			if err != nil {
				panic(fmt.Sprintf("%s: %q is not a status", title, word))
			}
			r.Statuses = append(r.Statuses, status)
		}
	}
	return r
}

var repeated = regexp.MustCompile(`\{(\d+)\*([^}]*)\}`)

func expand(line string) string {
	for name, text := range names {
		line = strings.ReplaceAll(line, name, text)
	}
	line = repeated.ReplaceAllStringFunc(line, func(s string) string {
		parts := repeated.FindStringSubmatch(s)
		n, _ := strconv.Atoi(parts[1]) // the expression matches digits only
		return strings.Repeat(parts[2], n)
	})
	raw, err := strconv.Unquote(`"` + strings.ReplaceAll(line, `"`, `\"`) + `"`)
	if err != nil {
		panic(fmt.Sprintf("%q: %v", line, err))
	}
	return raw
}

// Refused sends the request to a server at HOST:PORT that must refuse it. It returns what the server did wrong; "" if
// the answer is the only one and has an accepted status, no later request is answered, and the connection is closed.
func (r Request) Refused(ctx context.Context, address string) string {
	x, err := r.send(ctx, address)
	if err != nil {
		return err.Error()
	}
	for _, a := range x.answers {
		if a.id == second || a.id == smuggled {
			return fmt.Sprintf("what stands behind it is answered: %+v", x.answers)
		}
		if strings.Contains(a.body, Canary) {
			return "its secret comes back"
		}
	}
	silent := len(x.answers) == 0 && r.Silent
	if !silent && (len(x.answers) != 1 || !slices.Contains(r.Statuses, x.answers[0].status)) {
		return fmt.Sprintf("%+v, want one of %v", x.answers, r.Statuses)
	}
	return ""
}

// Served is like Refused, for a server that must serve the request: it must answer it, and the request after it, unless
// the connection is to be closed.
func (r Request) Served(ctx context.Context, address string) string {
	x, err := r.send(ctx, address)
	switch {
	case err != nil:
		return err.Error()
	case len(x.answers) == 0 || !slices.Contains(r.Statuses, x.answers[0].status):
		return fmt.Sprintf("%+v, want one of %v first", x.answers, r.Statuses)
	case r.Closed && len(x.answers) != 1, !r.Closed && len(x.answers) != 2:
		return fmt.Sprintf("%d answers: %+v", len(x.answers), x.answers)
	case x.ended != r.Closed:
		return fmt.Sprintf("the connection is closed: %v", x.ended)
	}
	return ""
}
