// Package scenario is what the clients of a load test do. The one idea: a scenario is handed a plan of when, and writes on a
// sheet how each request went; it knows neither how fast it is to be nor who reads the sheet.
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

// Options are what a scenario is made of. Target is settled, Sheet empty.
type Options struct {
	Target  *client.Target
	Sheet   *measure.Sheet
	Type    study.Type    // of chat's requests; "" = chat
	Content string        // sent as options.content with every request; "" = a piece of Notes
	Notes   Notes         // what requests are about; none = a text that is built in, where one is needed
	Timeout time.Duration // of a request, or of a whole run and its stream
	Fresh   bool          // each request over a connection of its own
	Streams int           // held open by idle-streams and recycle
	Keys    int           // different requests of cache
	Skew    float64       // of cache's Zipf distribution, above 1
}

// Scenario makes a plan's requests and returns when it is done, or ctx has ended.
type Scenario func(ctx context.Context, plan pace.Plan) (pace.Pace, error)

// Entry is one of the scenarios.
type Entry struct {
	Name, About string
	Streams     bool // needs the streams' client
	Holds       bool // opens Options.Streams streams
	make        func(*Options) Scenario
}

// All are the scenarios there are.
var All = []Entry{
	{Name: "chat", About: "a question each, answered in full: the seed's load", make: chat},
	{Name: "health", About: "the cheapest request there is", make: health},
	{Name: "flashcards", About: "cards from a piece of text each", make: flashcards},
	{Name: "mixed", About: "of 20 requests 10 chats, 4 flashcards, 2 quizzes, 2 summaries and 2 looks at the health", make: mixed},
	{Name: "cache", About: "flashcards from a number of texts, some asked for much more often than others (Zipf)", make: cached},
	{Name: "streams", About: "a run begun and its event stream read to the end", Streams: true, make: streams},
	{Name: "idle-streams", About: "event streams held open", Streams: true, Holds: true, make: idleStreams},
	{Name: "recycle", About: "small requests beside open streams: nothing may fail while workers change", Streams: true, Holds: true, make: recycle},
}

// Find returns the scenario of a name.
func Find(name string) (Entry, error) {
	i := slices.IndexFunc(All, func(e Entry) bool { return e.Name == name })
	if i < 0 {
		return Entry{}, fmt.Errorf("-scenario %q: must be one of %s", name, strings.Join(Names(), ", "))
	}
	return All[i], nil
}

// Names are the scenarios' names.
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
