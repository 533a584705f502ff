package streams_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"studysharper/app/e2e/servicetest"

	"github.com/google/uuid"
)

func TestStreamAtAPositionThatIsNoneOfItsSessionBeginsWithAGap(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil)
	session, _ := s.Post(0, "")
	other, _ := s.Post(0, "")
	whole := s.Open(0, session).End()
	last := s.Open(0, other).End()
	epoch, _, _ := strings.Cut(whole[0].ID, ".")
	positions := map[string]string{
		"of another session":    last[10].ID,
		"beyond the newest":     epoch + ".4711",
		"of another life":       "1.5",
		"of the largest epoch":  "3w5e11264sgsf." + "18446744073709551615",
		"that is garbage":       "'; DROP TABLE events; --",
		"that is not of ASCII":  "\xe2\x98\x83\xff",
		"that is only a number": "7",
		"that is below zero":    epoch + ".-1",
		"with zeros in front":   epoch + ".0007",
		"that is long":          strings.Repeat("9", 8000),
	}
	for name, position := range positions {
		for _, w := range []*servicetest.Watcher{s.Open(0, session, "Last-Event-ID: "+position), s.Open(0, session+"?last_event_id="+escaped(position))} {
			events := w.End()
			if w.Status != 200 || len(events) != 1+len(whole) || events[0].Type != "gap" || events[0].Missed < 1 || !slices.Equal(events[1:], whole) {
				t.Errorf("a position %s: %d %+v", name, w.Status, events)
			}
		}
	}
}

// escaped returns text for use in a query, with every byte percent-encoded.
func escaped(text string) string {
	var out strings.Builder
	for _, b := range []byte(text) {
		if b >= '0' && b <= '9' || b == '.' {
			out.WriteByte(b)
			continue
		}
		fmt.Fprintf(&out, "%%%02X", b)
	}
	return out.String()
}

func TestStreamBeforeItsFirstEventOrWithoutAPositionBeginsAtTheFirst(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil)
	session, _ := s.Post(0, "")
	whole := s.Open(0, session).End()
	epoch, _, _ := strings.Cut(whole[0].ID, ".")
	for _, header := range []string{"Last-Event-ID:", "Last-Event-ID: " + epoch + ".0", "X: y"} {
		if got := s.Open(0, session, header).End(); !slices.Equal(got, whole) {
			t.Errorf("%q: %+v", header, got)
		}
	}
	for i, e := range whole[:len(whole)-1] {
		if got := s.Open(0, session+"?last_event_id="+e.ID).End(); !slices.Equal(got, whole[i+1:]) {
			t.Errorf("behind %s: %+v", e.ID, got)
		}
	}
	if w := s.Open(0, session, servicetest.LastID(whole)); w.Status != 204 {
		t.Errorf("behind the last event: %d", w.Status)
	}
}

func TestStreamOpenedWhenItsFirstEventsAreNoLongerKeptBeginsWithAGap(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil, "SSE_QUEUE_SIZE=10")
	session, _ := s.Post(0, "")
	s.Eventually("the run is over", func() bool {
		_, got := s.Ask("GET", "/api/admin/metrics", "")
		return got["runs"].(map[string]any)["completed"] == 1.0
	})
	events := s.Open(0, session).End()
	if len(events) != 11 || events[0].Type != "gap" || events[0].Missed != events[1].Seq-1 || events[10].Type != "complete" {
		t.Fatalf("got %+v", events)
	}
	for i, e := range events[1:] {
		if e.Seq != events[0].Seq+uint64(i+1) {
			t.Errorf("event %d is %+v", i+1, e)
		}
	}
	if got := s.Open(0, session, servicetest.LastID(events[:1])).End(); !slices.Equal(got, events[1:]) {
		t.Errorf("behind the gap: %+v", got)
	}
}

func TestStreamRequestThatIsTooLargeIsRefusedAndItsConnectionClosed(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil)
	a, b := s.Pair()
	session, megabyte := uuid.NewString(), strings.Repeat("9", 1<<20)
	for name, raw := range map[string]string{
		"header":     servicetest.StreamRequest(session, "Last-Event-ID: "+megabyte),
		"query":      servicetest.StreamRequest(session + "?last_event_id=" + megabyte),
		"session id": servicetest.StreamRequest(megabyte),
	} {
		conn := s.Dial(0)
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		_, _ = io.WriteString(conn, raw) // the server need not read all of it
		r := bufio.NewReader(conn)
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Errorf("%s: no answer: %v", name, err)
			continue
		}
		body, _ := io.ReadAll(res.Body)
		refused := []int{http.StatusBadRequest, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge}
		if !slices.Contains(refused, res.StatusCode) || !strings.Contains(string(body), `"error"`) {
			t.Errorf("%s: %d %s", name, res.StatusCode, body)
		}
		if _, err := r.ReadByte(); err == nil {
			t.Errorf("%s: the connection stays open", name)
		}
		_ = conn.Close()
	}
	if x, y := s.Pair(); x != a || y != b {
		t.Errorf("workers %d and %d became %d and %d\n%s", a, b, x, y, s.Log)
	}
}

func TestStreamOfASessionThatIsNoUUIDIsRefused(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil)
	id := uuid.NewString()
	for _, session := range []string{"x", "1", id[:35], id + "0", strings.ReplaceAll(id, "-", ""), "%7B" + id + "%7D", "urn:uuid:" + id,
		strings.Replace(id, "-", "_", 1), "g" + id[1:], "%00" + id[1:], "..%2F" + id, strings.Repeat("a", 4000)} {
		status, got := s.Exchange(0, "GET", "/api/ai/stream/"+session, "")
		if status != 422 || got["error"] == nil {
			t.Errorf("%.60s: %d %v", session, status, got)
		}
	}
	if upper := s.Open(0, strings.ToUpper(id)); upper.Status != 200 { // RFC 9562: upper case is the same
		t.Errorf("%s in upper case: %d", id, upper.Status)
	}
}

func TestStreamOfASessionNobodyHasPostedToIsHeldOpen(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil)
	a, b := s.Pair()
	old := "Last-Event-ID: 3k7x1c0a.42"
	session := uuid.NewString()
	fresh, returned := s.Open(a, session), s.Open(b, session, old)
	if fresh.Status != 200 || returned.Status != 200 {
		t.Fatalf("%d and %d", fresh.Status, returned.Status)
	}
	if events := slices.Concat(fresh.Sofar(), returned.Sofar()); len(events) > 0 {
		t.Errorf("of what nobody has posted there is %+v", events)
	}
	s.Post(b, session)
	whole := fresh.End()
	servicetest.ExpectEssay(t, whole, 1)
	if got := returned.End(); len(got) == 0 || got[0].Type != "gap" || got[0].Missed < 1 || !slices.Equal(got[1:], whole) {
		t.Errorf("who comes with a position of another life is told %+v", got)
	}
}
