package faults

import (
	"fmt"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/swarm"
)

const (
	fewStreams    = 200 // SSE_MAX_STREAMS in the test that exceeds it
	stormedBack   = 1000
	backWithin    = 10 * time.Second
	closeAttempts = 20
	crowdedBy     = 1000
	crowdedBound  = 24_000_000 // bytes that crowdedBy streams may use
)

// streamFaults are what can happen to event streams.
var streamFaults = []fault{
	{
		id: "S1", what: "readers of a stream never read", sees: "their streams are closed after they have accepted nothing for 10 s; other clients see nothing", lost: "nothing: they may reconnect for the rest",
		well: 25 * time.Second, test: neverRead,
	},
	{
		id: "S2", what: "a stream is opened when its first events are no longer kept", sees: "a `gap` with the number of missing events, then the others", lost: "the oldest events",
		test: gapTold,
	},
	{
		id: "S3", what: "a reader vanishes without closing its connection: its network is unplugged", sees: "nothing", lost: "nothing",
		well: 45 * time.Second, test: vanished,
	},
	{
		id: "S4", what: "a reader closes its stream", sees: "nothing", lost: "nothing",
		well: 100 * time.Millisecond, test: readerCloses,
	},
	{
		id: "S5", what: "twice as many streams are opened as allowed", sees: "503 with `Retry-After` above the limit; no open stream is closed", lost: "nothing",
		test: tooManyStreams,
	},
	{
		id: "S6", what: "the container is killed and started again under 1,000 streams", sees: "one reconnect, spread over 0.5 to 3 s", lost: "the events, and the active runs: their partial answers are not saved",
		well: backWithin, test: stormAfterRestart,
	},
	{
		id: "S7", what: "streams are cut, and resumed while events are published", sees: "one reconnect for each cut", lost: "nothing; no event is sent twice",
		test: resumedWhilePublishing,
	},
	{
		id: "S7b", what: "streams are resumed at every position of the journal while it is written", sees: "nothing", lost: "nothing; no event is sent twice",
		held: "app/stream/memory.TestFault_S7_ResumeWhilePublishing",
	},
	{
		id: "S8", what: "a stream is resumed at a position that is too old, of another session, in the future, or garbage", sees: "a `gap`, then the newest run from its first event; never another session's events", lost: "nothing",
		held: "app/e2e/streams.TestStreamAtAPositionThatIsNoneOfItsSessionBeginsWithAGap",
	},
	{
		id: "S9", what: "a model's text looks like events: CR, LF, `data:`", sees: "that text, as text", lost: "nothing",
		test: eventsInText,
	},
	{
		id: "S10", what: "Redis's reply to an event is lost, and the event is sent again", sees: "the event, once", lost: "nothing",
		held: "app/cluster/journal.TestAnAppendWhoseReplyIsLostIsNoSecondEvent",
	},
	{
		id: "S11", what: "the journals are full", sees: "a `gap` if requested events are gone; every run's end in any case", lost: "the oldest events of sessions that were read",
		held: "app/stream/memory.TestMaxBytesIsNeverPassedAndUnreadEndsStay",
	},
	{
		id: "S12", what: "the container is killed and started again, and a reader reconnects for the rest", sees: "a `gap` and a retryable `error`; the question is stored", lost: "the answer",
		well: backWithin, test: journalLost,
	},
	{
		id: "S13", what: "a proxy cuts streams", sees: "a reconnect", lost: "nothing",
		held: "app/e2e/streams.TestStreamThatAProxyCutsIsResumedWhereItWasCut",
	},
	{
		id: "S14", what: "a client requests a stream compressed, as a range, or only if modified", sees: "the stream, unchanged", lost: "nothing",
		held: "app/e2e/streams.TestStreamIsServedToOddRequests",
	},
	{
		id: "S15", what: "one session's stream is opened 1,000 times", sees: "nothing: they share one wait, and each gets every event", lost: "nothing",
		test: crowdedSession,
	},
}

// tooManyStreams checks that streams beyond the limit are refused and that no earlier stream is closed.
func tooManyStreams(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{"SSE_MAX_STREAMS": fmt.Sprint(fewStreams), "MAX_REQUESTS": "0"})
	c := harness.NewReaders(i.T, h, swarm.Options{})
	streams := c.Add(harness.NewSessions(2*fewStreams), swarm.StreamOptions{})
	c.Open(streams...)
	n := c.AwaitCounts(i.T, harness.OpenWithin, func(n swarm.Counts) bool { return n.Opened+n.Refused+n.Failed == 2*fewStreams })
	if _, wrong := harness.Refusals(streams); n.Opened != fewStreams || n.Refused != fewStreams || n.Open != fewStreams || wrong > 0 {
		i.Errorf("%+v, of the refusals %d are not 503 with Retry-After; want %d served and as many refused", n, wrong, fewStreams)
	}
	i.note("%d of %d served", n.Opened, 2*fewStreams)
	c.Cut(swarm.FIN, streams...)
	testkit.Eventually(i.T, "no stream is open", func() bool { return h.ActiveStreams(i.T) == 0 })
	again := harness.NewReaders(i.T, h, swarm.Options{})
	again.Open(again.Add(harness.NewSessions(fewStreams), swarm.StreamOptions{})...)
	again.AwaitCounts(i.T, harness.OpenWithin, func(n swarm.Counts) bool { return n.Opened == fewStreams })
	wantWell(h, i)
}

// gapTold makes a run of more events than are kept. A reader takes them as they come, so that the journal joins no
// tokens.
func gapTold(i *incident) {
	const kept = 10 // the smallest value allowed
	h := talking(i, words(200), 100, map[string]string{"SSE_QUEUE_SIZE": fmt.Sprint(kept)})
	session := harness.NewSessions(1)[0]
	chatIn(h, i, session)
	h.Follow(i.T, "/api/ai/stream/"+session) // to its end
	events := h.Follow(i.T, "/api/ai/stream/"+session)
	if len(events) < 2 || len(events) > 1+kept || events[0].Type != "gap" || events[0].Missed != events[1].Seq-1 || events[len(events)-1].Type != "complete" {
		i.Fatalf("%+v, want a gap and the newest %d at the most", events, kept)
	}
	for n := 2; n < len(events); n++ {
		if events[n].Seq != events[n-1].Seq+1 {
			i.Errorf("event %d after %d", events[n].Seq, events[n-1].Seq)
		}
	}
	i.note("%d missed", events[0].Missed)
	wantWell(h, i)
}

// crowdedSession checks that no client is disconnected because others have the same session open.
func crowdedSession(i *incident) {
	answer := words(200)
	h := talking(i, answer, 400, nil)
	session := harness.NewSessions(1)
	before := h.Memory(i.T).Held
	c := harness.NewReaders(i.T, h, swarm.Options{})
	var streams []*swarm.Stream
	for range crowdedBy {
		streams = append(streams, c.Add(session, swarm.StreamOptions{Keep: true})...)
	}
	c.Open(streams...)
	c.AwaitCounts(i.T, harness.OpenWithin, func(n swarm.Counts) bool { return n.Opened+n.Refused+n.Failed == crowdedBy })
	grew := h.Memory(i.T).Held - before
	chatIn(h, i, session[0])
	c.AwaitCounts(i.T, harness.EndWithin, func(n swarm.Counts) bool { return n.Ended+n.Broken >= crowdedBy })
	wantWhole(i, streams, answer)
	i.note("%d streams take %s", crowdedBy, harness.Megabytes(grew))
	if grew > crowdedBound {
		i.Errorf("%d streams of a session take %d bytes, want at most %d", crowdedBy, grew, crowdedBound)
	}
	wantWell(h, i)
}
