package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestStreamAtAPositionThatIsNoneOfItsSessionBeginsWithAGap(t *testing.T) {
	s, _ := studying(t, nil)
	session, _ := s.post(0, "")
	other, _ := s.post(0, "")
	whole := s.open(0, session).end()
	last := s.open(0, other).end()
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
		for _, w := range []*watcher{s.open(0, session, "Last-Event-ID: "+position), s.open(0, session+"?last_event_id="+escaped(position))} {
			events := w.end()
			if w.status != 200 || len(events) != 1+len(whole) || events[0].Type != "gap" || events[0].Missed < 1 || !slices.Equal(events[1:], whole) {
				t.Errorf("a position %s: %d %+v", name, w.status, events)
			}
		}
	}
}

// escaped is text as it may stand in a query, every byte by its number.
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
	s, _ := studying(t, nil)
	session, _ := s.post(0, "")
	whole := s.open(0, session).end()
	epoch, _, _ := strings.Cut(whole[0].ID, ".")
	for _, header := range []string{"Last-Event-ID:", "Last-Event-ID: " + epoch + ".0", "X: y"} {
		if got := s.open(0, session, header).end(); !slices.Equal(got, whole) {
			t.Errorf("%q: %+v", header, got)
		}
	}
	for i, e := range whole[:len(whole)-1] {
		if got := s.open(0, session+"?last_event_id="+e.ID).end(); !slices.Equal(got, whole[i+1:]) {
			t.Errorf("behind %s: %+v", e.ID, got)
		}
	}
	if w := s.open(0, session, lastID(whole)); w.status != 204 {
		t.Errorf("behind the last event: %d", w.status)
	}
}

func TestStreamOpenedWhenItsFirstEventsAreNoLongerKeptBeginsWithAGap(t *testing.T) {
	s, _ := studying(t, nil, "SSE_QUEUE_SIZE=10")
	session, _ := s.post(0, "")
	s.eventually("the run is over", func() bool {
		_, got := s.ask("GET", "/api/admin/metrics", "")
		return got["runs"].(map[string]any)["completed"] == 1.0
	})
	events := s.open(0, session).end()
	if len(events) != 11 || events[0].Type != "gap" || events[0].Missed != events[1].Seq-1 || events[10].Type != "complete" {
		t.Fatalf("got %+v", events)
	}
	for i, e := range events[1:] {
		if e.Seq != events[0].Seq+uint64(i+1) {
			t.Errorf("event %d is %+v", i+1, e)
		}
	}
	if got := s.open(0, session, lastID(events[:1])).end(); !slices.Equal(got, events[1:]) {
		t.Errorf("behind the gap: %+v", got)
	}
}

func TestStreamRequestThatIsTooLargeIsRefusedAndItsConnectionClosed(t *testing.T) {
	s, _ := studying(t, nil)
	a, b := s.pair()
	session, megabyte := uuid.NewString(), strings.Repeat("9", 1<<20)
	for name, raw := range map[string]string{
		"header":     streamRequest(session, "Last-Event-ID: "+megabyte),
		"query":      streamRequest(session + "?last_event_id=" + megabyte),
		"session id": streamRequest(megabyte),
	} {
		conn := s.dial(0)
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		_, _ = io.WriteString(conn, raw) // it need not be read to its end
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
	if x, y := s.pair(); x != a || y != b {
		t.Errorf("workers %d and %d became %d and %d\n%s", a, b, x, y, s.log)
	}
}

func TestStreamOfASessionThatIsNoUUIDIsRefused(t *testing.T) {
	s, _ := studying(t, nil)
	id := uuid.NewString()
	for _, session := range []string{"x", "1", id[:35], id + "0", strings.ReplaceAll(id, "-", ""), "%7B" + id + "%7D", "urn:uuid:" + id,
		strings.Replace(id, "-", "_", 1), "g" + id[1:], "%00" + id[1:], "..%2F" + id, strings.Repeat("a", 4000)} {
		status, got := s.exchange(0, "GET", "/api/ai/stream/"+session, "")
		if status != 422 || got["error"] == nil {
			t.Errorf("%.60s: %d %v", session, status, got)
		}
	}
	if upper := s.open(0, strings.ToUpper(id)); upper.status != 200 { // RFC 9562: upper case is the same
		t.Errorf("%s in upper case: %d", id, upper.status)
	}
}

func TestStreamOfASessionNobodyHasPostedToIsHeldOpen(t *testing.T) {
	s, _ := studying(t, nil)
	a, b := s.pair()
	old := "Last-Event-ID: 3k7x1c0a.42"
	session := uuid.NewString()
	fresh, returned := s.open(a, session), s.open(b, session, old)
	if fresh.status != 200 || returned.status != 200 {
		t.Fatalf("%d and %d", fresh.status, returned.status)
	}
	if events := slices.Concat(fresh.sofar(), returned.sofar()); len(events) > 0 {
		t.Errorf("of what nobody has posted there is %+v", events)
	}
	s.post(b, session)
	whole := fresh.end()
	expectEssay(t, whole, 1)
	if got := returned.end(); len(got) == 0 || got[0].Type != "gap" || got[0].Missed < 1 || !slices.Equal(got[1:], whole) {
		t.Errorf("who comes with a position of another life is told %+v", got)
	}
}
