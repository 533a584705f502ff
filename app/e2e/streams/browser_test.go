package streams_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
)

// page follows the streams that its address names, with and without credentials.
const page = `<!doctype html><title>streams</title><script>
const streams = new URLSearchParams(location.search).getAll("stream").map((url, i) => {
	const s = {source: new EventSource(url, {withCredentials: i % 2 == 0}), opens: 0, events: []};
	s.source.onopen = () => s.opens++;
	s.source.onmessage = e => s.events.push({id: e.lastEventId, data: e.data});
	return s;
});
const report = () => streams.map(s => ({opens: s.opens, state: s.source.readyState, events: s.events}));
</script>`

// followed is a stream as seen by the page.
type followed struct {
	Opens  int `json:"opens"`
	State  int `json:"state"` // EventSource's readyState: 0 connecting, 1 open, 2 closed
	Events []struct {
		ID   string `json:"id"`
		Data string `json:"data"`
	} `json:"events"`
}

// tab is a browser tab that shows the page.
type tab struct {
	s   *servicetest.Service
	ctx context.Context
}

// servePage serves the page, and returns its origin.
func servePage(t *testing.T) (origin string) {
	t.Helper()
	return testkit.HTTPServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, page)
	})
}

// browse starts a browser and opens the page with a session's stream at each of these
// addresses.
func browse(s *servicetest.Service, origin, session string, at ...string) *tab {
	s.T.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(testkit.Need(s.T, "chromium")), chromedp.NoSandbox, chromedp.DisableGPU)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	s.T.Cleanup(func() { cancel(); stop() })
	query := url.Values{}
	for _, address := range at {
		query.Add("stream", address+"/api/ai/stream/"+session)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(origin+"/?"+query.Encode())); err != nil {
		s.T.Fatal(err)
	}
	return &tab{s: s, ctx: ctx}
}

// report returns the current state of the streams.
func (b *tab) report() []followed {
	b.s.T.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	streams, err := chromedp.Run(ctx, chromedp.Evaluate[[]followed]("report()"))
	if err != nil {
		b.s.T.Fatal(err)
	}
	return streams
}

// every waits until all streams satisfy a condition.
func (b *tab) every(what string, is func(followed) bool) {
	b.s.T.Helper()
	b.s.Eventually("every stream of the browser is "+what, func() bool {
		return !slices.ContainsFunc(b.report(), func(f followed) bool { return !is(f) })
	})
}

// heard returns the events that the page received.
func (f followed) heard(t *testing.T) []servicetest.Event {
	t.Helper()
	var events []servicetest.Event
	for _, got := range f.Events {
		e := servicetest.Event{ID: got.ID}
		if err := json.Unmarshal([]byte(got.Data), &e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// TestStreamIsFollowedByABrowserThroughCutsAndAKillUntilItIsToldToStop follows three streams
// of one run in a browser; their connections end in the middle in three different ways.
func TestStreamIsFollowedByABrowserThroughCutsAndAKillUntilItIsToldToStop(t *testing.T) {
	testkit.Need(t, "chromium")
	origin := servePage(t)
	s, fake := servicetest.StartStudying(t, nil, "ALLOWED_ORIGINS="+origin)
	fake.Hold()
	runner, other := s.Pair()
	session := uuid.NewString()
	proxies := []*proxy{proxied(s, s.Dial(runner), closed), proxied(s, s.Dial(runner), reset), proxied(s, s.Dial(other), nil)}
	b := browse(s, origin, session, proxies[0].url, proxies[1].url, proxies[2].url)
	b.every("open", func(f followed) bool { return f.State == 1 })
	s.Post(runner, session)
	s.Eventually("the browser has half the run", func() bool { return len(b.report()[2].Events) > servicetest.Middle })
	s.Kill(other)
	fake.LetGo()
	b.every("closed", func(f followed) bool { return f.State == 2 })
	whole := s.Open(0, session).End()
	servicetest.ExpectEssay(t, whole, 1)
	for i, f := range b.report() {
		if got := f.heard(t); !slices.Equal(got, whole) || f.Opens != 2 {
			t.Errorf("stream %d was opened %d times and has %+v", i, f.Opens, got)
		}
		proxies[i].expectResumed(whole)
	}
	testkit.Pause(2 * time.Second) // usually one of the three would have reconnected by then
	for _, p := range proxies {
		p.expectResumed(whole)
	}
}

func TestStreamIsNotGivenToAPageOfAnotherOrigin(t *testing.T) {
	testkit.Need(t, "chromium")
	origin := servePage(t)
	s, _ := servicetest.StartStudying(t, nil, "ALLOWED_ORIGINS="+origin)
	session, _ := s.Post(0, "")
	elsewhere := strings.Replace(origin, "127.0.0.1", "localhost", 1)
	b := browse(s, elsewhere, session, s.URL, s.URL)
	b.every("refused", func(f followed) bool { return f.State == 2 && f.Opens == 0 && len(f.Events) == 0 })
}
