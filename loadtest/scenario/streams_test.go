package scenario

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"studysharper/loadtest/client"
	"studysharper/loadtest/measure"
	"studysharper/loadtest/pace"
)

// after makes a stream send text once its run has begun.
func after(text string) func(net.Conn, <-chan struct{}) {
	return func(conn net.Conn, begun <-chan struct{}) {
		select {
		case <-begun:
			io.WriteString(conn, text)
		case <-time.After(time.Minute):
		}
	}
}

func TestStreamsReadRunsToTheirEnd(t *testing.T) {
	s := &service{stream: after(whole(20))}
	r := play(t, "streams", start(t, s), pace.Plan{Workers: 5, Requests: 30})
	if r.OK != 30 || r.Failed != 0 || r.Series[firstEvent].Count != 30 || r.Series[betweenTwo].Count != 30*21 {
		t.Errorf("%+v", r)
	}
	if r.Counts["streams opened"] != 30 || r.Counts["events"] != 30*22 || r.Counts["events lost"] != 0 {
		t.Errorf("%v", r.Counts)
	}
}

func TestWhatIsWrongWithAStreamHasAKindOfItsOwn(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want client.Kind
	}{
		"cut":           {strings.TrimSuffix(whole(3), event(5, "complete", "")), Broken},
		"cut in event":  {whole(3)[:100], Broken},
		"empty":         {"", Broken},
		"lost":          {event(1, "start", "") + event(3, "complete", ""), Losing},
		"doubled":       {event(1, "start", "") + event(1, "start", "") + event(2, "complete", ""), Doubling},
		"no events":     {"data: hello\n\n" + whole(1), BadStream},
		"another's id":  {"id: e1.7\ndata: {\"type\":\"start\",\"seq\":1}\n\n" + event(2, "complete", ""), BadStream},
		"a failed run":  {event(1, "start", "") + event(2, "error", `,"error":"no"`), Told},
		"all that came": {whole(2), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := play(t, "streams", start(t, &service{stream: after(test.text)}), pace.Plan{Workers: 1, Requests: 1})
			if r.All() != 1 || test.want != "" && r.Failures[string(test.want)] != 1 || test.want == "" && r.OK != 1 {
				t.Errorf("%v, want %q", r.Failures, test.want)
			}
		})
	}
}

func TestAStreamThatNeverEndsIsAFailureInTime(t *testing.T) {
	ended := make(chan struct{})
	defer close(ended)
	s := &service{stream: func(conn net.Conn, _ <-chan struct{}) {
		io.WriteString(conn, event(1, "start", ""))
		<-ended
	}}
	o := start(t, s)
	o.Timeout = 200 * time.Millisecond
	if r := play(t, "streams", o, pace.Plan{Workers: 2, Requests: 2}); r.Failures[string(Endless)] != 2 {
		t.Errorf("%v", r.Failures)
	}
}

func TestARunThatIsRefusedIsAStatus(t *testing.T) {
	s := &service{status: 429, stream: after("")}
	if r := play(t, "streams", start(t, s), pace.Plan{Workers: 2, Requests: 4}); r.Failures["status 429"] != 4 || r.All() != 4 {
		t.Errorf("%v", r.Failures)
	}
}

// held keeps a stream open until its client disconnects.
func held(conn net.Conn, _ <-chan struct{}) { conn.Read(make([]byte, 1)) }

func TestIdleStreamsAreHeldAndEachOpeningIsTimed(t *testing.T) {
	o := start(t, &service{stream: held})
	o.Streams = 40
	r := play(t, "idle-streams", o, pace.Plan{Workers: 1, Duration: 2 * time.Second})
	if r.OK != 40 || r.Failed != 0 || r.Counts["streams open at the end"] != 40 || r.Series[opening].Count != 40 {
		t.Errorf("%+v, %v", r.Totals, r.Counts)
	}
}

func TestAStreamThatTheServiceEndsWithAnEventIsReplaced(t *testing.T) {
	first := make(chan struct{}, 1)
	first <- struct{}{}
	o := start(t, &service{stream: func(conn net.Conn, begun <-chan struct{}) {
		select {
		case <-first:
			io.WriteString(conn, "id: 1.1.\ndata: {\"type\":\"error\",\"seq\":1,\"error\":\"nobody came\"}\n\n")
		default:
			held(conn, begun)
		}
	}})
	o.Streams = 3
	r := play(t, "idle-streams", o, pace.Plan{Workers: 1, Duration: reopenEvery + 2*time.Second})
	if r.OK != 4 || r.Failed != 0 || r.Counts["streams open at the end"] != 3 || r.Counts["streams replaced"] != 1 {
		t.Errorf("%+v, %v, %v", r.Totals, r.Counts, r.Failures)
	}
}

func TestRecycleCountsFailedRequestsAndBrokenStreams(t *testing.T) {
	cut := make(chan struct{}, 1)
	cut <- struct{}{}
	o := start(t, &service{stream: func(conn net.Conn, begun <-chan struct{}) {
		select {
		case <-cut: // one of them is lost
		default:
			held(conn, begun)
		}
	}})
	r := play(t, "recycle", o, pace.Plan{Workers: 2, Duration: 2 * time.Second, Think: 5 * time.Millisecond})
	if r.Failures[string(Broken)] != 1 || r.Failed != 1 || r.Counts["streams broken"] != 1 || r.Series[opening].Count != 6 || r.Series["request"].Count < 10 {
		t.Errorf("%v, %v, %v", r.Failures, r.Counts, r.Series)
	}
}

func TestAnEndedRunCountsNothingThatWasInFlight(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := start(t, &service{stream: func(conn net.Conn, begun <-chan struct{}) {
		<-begun
		cancel()
		held(conn, begun)
	}})
	e, err := Find("streams")
	if err != nil {
		t.Fatal(err)
	}
	run, err := e.New(*o)
	if err == nil {
		_, err = run(ctx, pace.Plan{Workers: 3, Requests: 9})
	}
	if r := o.Sheet.Result(); err != nil || r.Totals != (measure.Totals{}) {
		t.Errorf("%v, %+v, %v", err, r.Totals, r.Failures)
	}
}
