// Package scenario contains what the clients of a load test do. The one idea: a scenario is given a plan of when to
// make requests, and records on a sheet how each one went. It does not know how fast it has to be or who reads the
// sheet.
package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"studysharper/app/study"
	"studysharper/loadtest/client"
	"studysharper/loadtest/measure"
	"studysharper/loadtest/pace"
)

// MaxStreams is how many streams a scenario may hold open.
const MaxStreams = 60_000

// Options configure a scenario. Target must be settled, and Sheet empty.
type Options struct {
	Target  *client.Target
	Sheet   *measure.Sheet
	Type    study.Type    // type of the requests of chat; "" = chat
	Content string        // sent as options.content with every request; "" = a piece of Notes
	Notes   Notes         // what requests are about; none = a built-in text, if one is needed
	Timeout time.Duration // of a request, or of a complete run and its stream
	Fresh   bool          // a new connection for each request
	Streams int           // held open by idle-streams and recycle
	Keys    int           // number of different requests of cache
	Skew    float64       // exponent of cache's Zipf distribution, above 1
}

// Scenario makes a plan's requests and returns when the plan is done or ctx has ended.
type Scenario func(ctx context.Context, plan pace.Plan) (pace.Pace, error)

// Entry is one of the scenarios.
type Entry struct {
	Name, About string
	Streams     bool // needs the streams' client
	Holds       bool // opens Options.Streams streams
	make        func(*Options) Scenario
}

// All are the available scenarios.
var All = []Entry{
	{Name: "chat", About: "one question per request, answered in full: the original load test", make: chat},
	{Name: "health", About: "the cheapest request", make: health},
	{Name: "flashcards", About: "flashcards from a piece of text", make: flashcards},
	{Name: "mixed", About: "of 20 requests 10 chats, 4 flashcards, 2 quizzes, 2 summaries and 2 health checks", make: mixed},
	{Name: "cache", About: "flashcards from a number of texts, some requested much more often than others (Zipf)", make: cached},
	{Name: "streams", About: "start a run and read its event stream to the end", Streams: true, make: streams},
	{Name: "idle-streams", About: "event streams held open", Streams: true, Holds: true, make: idleStreams},
	{Name: "recycle", About: "small requests while streams are open: nothing may fail while workers are replaced", Streams: true, Holds: true, make: recycle},
}

// Find returns the scenario with this name.
func Find(name string) (Entry, error) {
	i := slices.IndexFunc(All, func(e Entry) bool { return e.Name == name })
	if i < 0 {
		return Entry{}, fmt.Errorf("-scenario %q: must be one of %s", name, strings.Join(Names(), ", "))
	}
	return All[i], nil
}

// Names returns the scenarios' names.
func Names() []string {
	var names []string
	for _, e := range All {
		names = append(names, e.Name)
	}
	return names
}

// New makes the scenario.
func (e Entry) New(o Options) (Scenario, error) {
	if e.Streams && (o.Target.URL.Scheme != "http" || !o.Target.Address().Addr().Is4()) {
		return nil, fmt.Errorf("-scenario %s: event streams are read over plain http:// and IPv4 only", e.Name)
	}
	if o.Type == "" {
		o.Type = study.Chat
	}
	return e.make(&o), nil
}
