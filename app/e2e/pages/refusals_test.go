package pages_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
)

// If the connection is reset before the browser has sent everything, or if CORS headers are missing, a page only
// learns "Failed to fetch".
func TestAPageOfAnotherOriginSeesWhyItsRequestIsRefused(t *testing.T) {
	testkit.Need(t, "chromium")
	origin := testkit.HTTPServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>another origin</title>")
	})
	s, _ := servicetest.StartStudying(t, nil, "ALLOWED_ORIGINS="+origin)
	w := visit(t, origin, desktop)
	const large = `"x".repeat(8 << 20)`
	for _, tt := range []struct{ what, path, init, want string }{
		{"too large", "/api/notes", `{method: "POST", headers: {"Content-Type": "application/json"}, body: ` + large + `}`, "413 too_large"},
		{"compressed", "/api/notes", `{method: "POST", headers: {"Content-Encoding": "gzip"}, body: ` + large + `}`, "415 unsupported"},
		{"a long header", "/api/notes", `{headers: {"X-Long": "x".repeat(20000)}}`, "431 too_large"},
		{"a method", "/api/ai/process", `{method: "PUT", body: ` + large + `}`, "405 method"},
		{"an unknown path", "/nope", `{method: "POST", body: ` + large + `}`, "404 not_found"},
	} {
		for range testkit.Size(1, 3) {
			got := eval[string](w, fmt.Sprintf(`fetch(%q, %s).then(async r => r.status + " " + (await r.json()).code).catch(e => String(e))`, s.URL+tt.path, tt.init))
			if got != tt.want {
				t.Errorf("%s: %s, want %s", tt.what, got, tt.want)
			}
		}
	}
}
