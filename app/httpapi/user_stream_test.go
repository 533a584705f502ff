package httpapi

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"

	"studysharper/app/stream"
	"studysharper/app/study"
)

func TestAStreamThatIsAnothersIsNotThereOnAReconnectEither(t *testing.T) {
	f := serveUsers(t)
	session, run := f.beginAs("ann")
	f.append(run, study.KindStart, map[string]any{})
	f.append(run, study.KindComplete, map[string]any{"success": true})
	hers := f.ask("GET", "/api/ai/stream/"+session, "", ann...)
	_, rest, _ := strings.Cut(string(hers.body), "id: ")
	id, _, _ := strings.Cut(rest, "\n")
	for name, header := range map[string][]string{"a position": {"Last-Event-ID", id}, "an invalid position": {"Last-Event-ID", "x"}, "none": {}} {
		if r := f.ask("GET", "/api/ai/stream/"+session, "", append(header, bob...)...); r.StatusCode != 404 {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
		}
	}
	if r := f.ask("GET", "/api/ai/stream/"+session, "", append([]string{"Last-Event-ID", id}, ann...)...); r.StatusCode != 200 || !strings.Contains(string(r.body), "complete") {
		t.Errorf("its owner: %d %s", r.StatusCode, r.body)
	}
}

func TestAStreamOpenedBeforeItsRunShowsNoOnesElse(t *testing.T) {
	f := serveUsers(t)
	session := newID()
	_, hers := f.listen(session, "Authorization: Bearer canary-ann")
	_, his := f.listen(session, "Authorization: Bearer canary-bob")
	for _, r := range []*bufio.Reader{hers, his} {
		until(t, r, "retry:")
	}
	run, err := f.journal.Begin(context.Background(), stream.RunInfo{Session: session, Run: newID(), Owner: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(his)
	if err != nil || strings.Contains(string(got), `"start"`) || !strings.Contains(string(got), `"error"`) {
		t.Errorf("another has %q, %v", got, err)
	}
	f.append(run, study.KindComplete, map[string]any{"success": true})
	if got, err := io.ReadAll(hers); err != nil || !strings.Contains(string(got), "complete") {
		t.Errorf("its owner has %q, %v", got, err)
	}
}

func TestAStreamHandedOverStaysItsUsers(t *testing.T) {
	users := func(o *Options) { o.Tokens = passes{"canary-bob": "bob"} }
	old := serve(t, users)
	p := pair{old: old, next: serve(t, users, func(o *Options) { o.Journal = old.journal })}
	session := newID()
	_, his := old.listen(session, "Authorization: Bearer canary-bob")
	until(t, his, "retry:")
	if err := p.leave(); err != nil {
		t.Fatal(err)
	}
	run, err := old.journal.Begin(context.Background(), stream.RunInfo{Session: session, Run: newID(), Owner: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	if got, err := io.ReadAll(his); err != nil || strings.Contains(string(got), `"start"`) || !strings.Contains(string(got), `"error"`) {
		t.Errorf("another has %q, %v", got, err)
	}
}

func TestTheQueryHoldsATokenForEventStreamsOnly(t *testing.T) {
	f := serveUsers(t)
	for _, endpoint := range guarded {
		method, path, _ := strings.Cut(endpoint, " ")
		if strings.HasPrefix(path, "/api/ai/stream/") {
			continue
		}
		if r := f.ask(method, path+"?access_token=canary-ann", chat); r.StatusCode != 401 {
			t.Errorf("%s: %d", endpoint, r.StatusCode)
		}
	}
	session, run := f.beginAs("ann")
	f.append(run, study.KindComplete, map[string]any{"success": true})
	for query, want := range map[string]int{
		"?access_token=canary-ann": 200, "?access_token=canary-bob": 404, "?access_token=canary": 401, "?access_token=": 401, "?token=canary-ann": 401,
	} {
		if r := f.ask("GET", "/api/ai/stream/"+session+query, ""); r.StatusCode != want || strings.Contains(string(r.body), "canary") {
			t.Errorf("%s: %d %s", query, r.StatusCode, r.body)
		}
	}
	for query, want := range map[string]int{"?access_token=canary-ann": 200, "?access_token=canary-bob": 404, "": 401} {
		if r := f.ask("HEAD", "/api/ai/stream/"+session+query, ""); r.StatusCode != want {
			t.Errorf("HEAD %s: %d, want %d", query, r.StatusCode, want)
		}
	}
}

// serveTickets is serveUsers with tickets for event streams.
func serveTickets(t *testing.T, change ...func(*Options)) *face {
	t.Helper()
	return serveUsers(t, append([]func(*Options){func(o *Options) { o.Tickets = tickets{} }}, change...)...)
}

// tickets contain their session and their user: a Tickets for tests.
type tickets struct{}

func (tickets) Issue(_ context.Context, session, user string) (string, error) {
	return "canary." + session + "." + user, nil
}

func (tickets) Open(_ context.Context, ticket, session string) (user string, ok bool, err error) {
	user, ok = strings.CutPrefix(ticket, "canary."+session+".")
	return user, ok, nil
}

func TestTheStreamURLHasATicketThatOpensThatStreamOnly(t *testing.T) {
	f := serveTickets(t)
	mine, run := f.beginAs("ann")
	f.append(run, study.KindComplete, map[string]bool{"success": true})
	other, run := f.beginAs("ann")
	f.append(run, study.KindComplete, map[string]bool{"success": true})
	f.runs.start = func(study.Request) (string, error) { return newID(), nil }
	started := f.ask("POST", "/api/ai/process-stream", `{"type":"chat","message":"hi","session_id":"`+mine+`"}`, ann...).object(t)
	url, _ := started["stream_url"].(string)
	if url != "/api/ai/stream/"+mine+"?ticket=canary."+mine+".ann" {
		t.Fatalf("stream_url is %q", url)
	}
	ticket := strings.TrimPrefix(url, "/api/ai/stream/"+mine)
	for path, want := range map[string]int{
		url:                                200,
		url + "&run_id=" + newID():         404,
		strings.ToUpper(mine) + "x":        401,
		"/api/ai/stream/" + other + ticket: 401,
		"/api/ai/stream/" + mine + "?ticket=canary." + mine + ".bob": 404, // bob's own ticket, for ann's session
		"/api/ai/stream/" + mine + "?ticket=":                        401,
		"/api/ai/stream-status" + ticket:                             401,
		"/api/ai/sessions/" + mine + ticket:                          401,
		"/api/notes" + ticket:                                        401,
	} {
		if !strings.HasPrefix(path, "/") {
			path = "/api/ai/stream/" + path + ticket
		}
		if r := f.ask("GET", path, ""); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, want)
		}
	}
	if r := f.ask("DELETE", "/api/ai/sessions/"+mine+ticket, ""); r.StatusCode != 401 {
		t.Errorf("a write: %d", r.StatusCode)
	}
}

func TestWithoutUsersTheStreamURLHasNoTicket(t *testing.T) {
	f := serve(t, func(o *Options) { o.Tickets = tickets{} })
	if url := f.ask("POST", "/api/ai/process-stream", chat).object(t)["stream_url"]; strings.Contains(url.(string), "?") {
		t.Errorf("stream_url is %q", url)
	}
}
