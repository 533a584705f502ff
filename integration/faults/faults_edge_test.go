package faults

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"studysharper/app/httpapi/rawtest"
	"studysharper/integration/harness"
)

// edgeFaults are what clients can do to the HTTP server.
var edgeFaults = []fault{
	{
		id: "E1", what: "clients use up all file descriptors of the workers", sees: "new connections wait, or get 503; open connections see nothing", lost: "nothing",
		well: 5 * time.Second, test: descriptorsGone,
	},
	{
		id: "E2a", what: "clients connect and send nothing", sees: "their connections are closed after 30 s; other clients see nothing", lost: "nothing",
		well: dawdledAway, test: dawdling("silent"),
	},
	{
		id: "E2b", what: "clients send their headers a byte at a time", sees: "408 after 30 s; other clients see nothing", lost: "their requests",
		well: dawdledAway, test: dawdling("headers"),
	},
	{
		id: "E3", what: "clients send their bodies a byte at a time", sees: "408 after 10 s; other clients see nothing", lost: "their requests",
		well: dawdledAway, test: dawdling("body"),
	},
	{
		id: "E3b", what: "1,000 clients send all but the last byte of 1 MB each", sees: "an immediate refusal based on the head: 503 with `Retry-After` if no more bodies fit; otherwise 408 after 10 s; other clients see nothing", lost: "their requests",
		test: bodiesUnfinished,
	},
	{
		id: "E4a", what: "clients request large answers and read none of them", sees: "their connections are closed after 30 s; other clients see nothing", lost: "their answers",
		well: dawdledAway, test: dawdling("unread"),
	},
	{
		id: "E4d", what: "80 clients request ten lists of 1 MB each and read none", sees: "503 with `Retry-After` if no more answers fit; their connections are closed after 30 to 60 s; other clients see nothing", lost: "their answers",
		well: deafAway, test: listsUnread,
	},
	{
		id: "E4b", what: "2,000 connections are opened and left idle", sees: "nothing", lost: "nothing",
		well: 5 * time.Second, test: hoarded,
	},
	{
		id: "E4c", what: "5,000 connections are opened and closed at once", sees: "nothing", lost: "nothing",
		well: 5 * time.Second, test: connectionFlood,
	},
	{
		id: "E5", what: "bodies are larger than allowed, or than announced", sees: "413 after the whole body or 64 MB; 400 if the length is wrong", lost: "those requests",
		test: giantBodies,
	},
	{
		id: "E6", what: "compressed bodies that would fill the memory", sees: "415", lost: "those requests", test: zipBombs,
	},
	{
		id: "E7", what: "forms with 10,000 parts", sees: "415", lost: "those requests", test: multipartBombs,
	},
	{
		id: "E8", what: "JSON nested 100,000 deep, of wrong types, cut short, or followed by other data", sees: "400 or 422", lost: "those requests",
		held: "integration/faults.TestBadInputIsRefusedAndHarmsNoWorker",
	},
	{
		id: "E10", what: "text that is not UTF-8, or has NUL characters", sees: "400, 422", lost: "those requests",
		held: "app/httpapi.TestBadInputIsRefusedAndTheWorkerLives",
	},
	{
		id: "E11", what: "request lines or headers that are too long, or too many headers", sees: "431, and the connection is closed", lost: "those requests",
		test: refused("sizes"),
	},
	{
		id: "E12a", what: "requests smuggled with two framings or with unusual ones", sees: "400, and the connection is closed", lost: "later requests on the connection",
		test: refused("framing", "lengths"),
	},
	{
		id: "E12b", what: "invalid chunks and trailers", sees: "400, 413, and the connection is closed", lost: "later requests on the connection",
		test: refused("chunks"),
	},
	{
		id: "E12c", what: "bare LF and CR, NUL, folded lines, and invalid header names", sees: "400, and the connection is closed", lost: "later requests on the connection",
		test: refused("lines"),
	},
	{
		id: "E13a", what: "no `Host`, two of them, a malformed one, or another server's address", sees: "400, and the connection is closed", lost: "later requests on the connection",
		test: refused("hosts"),
	},
	{
		id: "E13b", what: "invalid methods, paths and versions", sees: "400, 501, 505, and the connection is closed", lost: "later requests on the connection",
		test: refused("first lines"),
	},
	{
		id: "E13c", what: "requests that are unusual but valid", sees: "the answer", lost: "nothing", test: odd,
	},
	{
		id: "E14", what: "paths that try to escape: `//`, `/../`, `%2f`, `%00`, in capitals, 10,000 parameters", sees: "400, 404 or 431, never anything that requires the token", lost: "nothing",
		test: crookedPaths,
	},
	{
		id: "E15", what: "1,000 requests are sent before the first answer is read, and workers are recycled meanwhile", sees: "all answers, in order", lost: "nothing",
		test: pipelined,
	},
	{
		id: "E16", what: "clients reset their connections before they are answered", sees: "nothing", lost: "nothing",
		well: 5 * time.Second, test: resets,
	},
	{
		id: "E17", what: "unsupported methods, and expectations that cannot be met", sees: "405, 417", lost: "nothing",
		test: methods,
	},
	{
		id: "E18", what: "a page of another origin sends a request", sees: "no `Access-Control-Allow-Origin`: its browser withholds the answer", lost: "nothing",
		held: "app/httpapi.TestCORSNamesOnlyTheOriginsOfTheSettings",
	},
	{
		id: "E19", what: "clients forge `X-Forwarded-For`", sees: "nothing: it is accepted from `TRUSTED_PROXIES` only", lost: "nothing",
		held: "app/httpapi.TestForwardedAddressesAreBelievedFromTrustedProxiesOnly",
	},
	{
		id: "E20", what: "a client above its limit tries the other worker, and tries again after a reload", sees: "still 429 with `Retry-After`", lost: "nothing",
		test: limitedEverywhere,
	},
	{
		id: "E21", what: "another process listens on the port", sees: "nothing: the other process continues", lost: "nothing: the start ends with status 3 and a line that names the port",
		test: portTaken,
	},
	{
		id: "E22", what: "HTTP/2, TLS, SSH, a proxy's greeting or noise on the port", sees: "at most a 400, and the connection is closed", lost: "nothing",
		test: refused("strangers", "halves"),
	},
}

// refused returns a test that sends a container the requests in these sections of the corpus, all of which must be
// refused.
func refused(sections ...string) func(*incident) {
	return func(i *incident) {
		h := harness.StartInstance(i.T, harness.Image, map[string]string{"LOG_LEVEL": "debug"})
		tried := 0
		for _, r := range rawtest.Refused() {
			if !slices.Contains(sections, r.Section) {
				continue
			}
			tried++
			i.Run(r.Name, func(t *testing.T) {
				if fault := r.Refused(t.Context(), h.Address.String()); fault != "" {
					t.Error(fault)
				}
			})
		}
		i.note("%d raw requests", tried)
		if tried == 0 {
			i.Errorf("the corpus has none of %v", sections)
		}
		if strings.Contains(harness.Docker(i.T, "logs", h.GetContainerID()), rawtest.Canary) {
			i.Error("a secret of a refused request is in the log")
		}
		wantWell(h, i)
	}
}

// odd checks that all valid requests of the corpus are served.
func odd(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{})
	all := rawtest.Served()
	for _, r := range all {
		i.Run(r.Name, func(t *testing.T) {
			if fault := r.Served(t.Context(), h.Address.String()); fault != "" {
				t.Error(fault)
			}
		})
	}
	i.note("%d raw requests", len(all))
	wantWell(h, i)
}

// wantWell checks that a real request is answered, by the workers that were there at the start.
func wantWell(h *harness.Instance, i *incident) {
	i.Helper()
	wantServed(h, i)
	if now := h.WorkersNow(i.T); !slices.Equal(now, h.Workers) {
		i.Errorf("the workers were %v and are %v", h.Workers, now)
	}
}

// serves makes a request, and returns what is wrong with its answer; "" if nothing.
func serves(h *harness.Instance) (fault string) {
	body := fmt.Sprintf(`{"type":"chat","user_id":%q,"message":"What is light?","options":{"content":"Light is what the eye can see."}}`, harness.UserID)
	got, err := h.Send(http.MethodPost, harness.ChatURL, []byte(body))
	if err != nil || got.Status != http.StatusOK {
		return fmt.Sprintf("%v, status %d: %.300s", err, got.Status, got.Body)
	}
	return ""
}
