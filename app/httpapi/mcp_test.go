package httpapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"studysharper/app/agent"
	"studysharper/app/limit"
	"studysharper/app/review"
	"studysharper/app/study"
)

func mcpOn(o *Options) { o.MCP = true }

// assistant is an MCP client, made by the library, for a user.
func (f *face) assistant(user string) *mcp.ClientSession {
	f.t.Helper()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(f.t.Context(), &mcp.StreamableClientTransport{Endpoint: f.url + "/mcp?user_id=" + user, DisableStandaloneSSE: true}, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = session.Close() })
	return session
}

// call calls a tool and returns its structured result, or the text of its error.
func call[T any](t *testing.T, session *mcp.ClientSession, tool string, arguments any) (result T, failed string) {
	t.Helper()
	got, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		t.Fatal(err)
	}
	text := got.Content[0].(*mcp.TextContent).Text
	if got.IsError {
		return result, text
	}
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return result, ""
}

type foundPassages struct {
	Passages []foundPassage `json:"passages"`
}

func TestAnAssistantFindsAndReadsNotes(t *testing.T) {
	f := serve(t, mcpOn)
	for user, content := range map[string]string{"ada": "# Cells\n\nSome text about cells.\n\n# Energy\n\nMitochondria make ATP.", "bob": "Mitochondria of Bob."} {
		if _, err := f.store.CreateNote(t.Context(), study.Note{UserID: user, Title: "Biology", Content: content}); err != nil {
			t.Fatal(err)
		}
	}
	session := f.assistant("ada")
	tools, err := session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range tools.Tools {
		names = append(names, tool.Name)
	}
	for _, want := range []string{"search_notes", "make_study_aid"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is missing in %v", want, names)
		}
	}
	found, failed := call[foundPassages](t, session, "search_notes", map[string]any{"query": "mitochondria"})
	if failed != "" || len(found.Passages) != 1 || !strings.Contains(found.Passages[0].Text, "make ATP") || found.Passages[0].Title != "Biology" {
		t.Errorf("%+v %s", found, failed)
	}
	if newest, failed := call[foundPassages](t, session, "search_notes", map[string]any{}); failed != "" || len(newest.Passages) != 1 || !strings.Contains(newest.Passages[0].Text, "about cells") || newest.Passages[0].Section != "Cells" {
		t.Errorf("without a query: %+v %s", newest, failed)
	}
	if found, _ := call[foundPassages](t, session, "search_notes", map[string]any{"query": "penguins"}); found.Passages == nil || len(found.Passages) != 0 {
		t.Errorf("%+v", found)
	}
	for _, wrong := range []map[string]any{{"limit": 21}, {"limit": 0}, {"querry": "x"}, {"query": 7}} {
		if _, failed := call[foundPassages](t, session, "search_notes", wrong); failed == "" {
			t.Errorf("%v was taken", wrong)
		}
	}
}

func TestAnAssistantGetsTheBestPassageOfEachNote(t *testing.T) {
	f := serve(t, mcpOn)
	filler := strings.Repeat("Plain sentences fill the rest of this page with nothing special. ", 40)
	for title, content := range map[string]string{"many": strings.Repeat("Osmosis. "+filler+"\n\n", 5), "one": filler + "\n\nOsmosis moves water.", "title: osmosis": filler} {
		if _, err := f.store.CreateNote(t.Context(), study.Note{UserID: "ada", Title: title, Content: content}); err != nil {
			t.Fatal(err)
		}
	}
	found, failed := call[foundPassages](t, f.assistant("ada"), "search_notes", map[string]any{"query": "osmosis"})
	if failed != "" || len(found.Passages) != 3 {
		t.Fatalf("%+v %s", found, failed)
	}
	for _, p := range found.Passages {
		if p.Text == "" || p.Title != "title: osmosis" && !strings.Contains(p.Text, "Osmosis") {
			t.Errorf("%s: %q", p.Title, p.Text)
		}
	}
	var titles []string
	for _, p := range found.Passages {
		titles = append(titles, p.Title)
	}
	if slices.Sort(titles); !slices.Equal(titles, []string{"many", "one", "title: osmosis"}) {
		t.Errorf("found in %v", titles)
	}
}

func TestAnAssistantHasAidsMade(t *testing.T) {
	var asked study.Request
	f := serve(t, mcpOn, func(o *Options) { o.Admission.Calls = &limit.Runs{} })
	f.runs.do = func(q study.Request) (agent.Outcome, error) {
		asked = q
		return agent.Outcome{Result: study.Result{Success: true, Intent: q.Type, Data: &study.FlashcardSet{Flashcards: []study.Flashcard{{Question: "Q", Answer: "A"}}}, Saved: &study.Saved{ContentType: "flashcards", ContentID: anID}}}, nil
	}
	session := f.assistant("ada")
	made, failed := call[struct {
		Data  study.FlashcardSet
		Saved study.Saved
	}](t, session, "make_study_aid", map[string]any{"kind": "flashcards", "content": "Cells are small.", "count": 3, "difficulty": "hard"})
	if failed != "" || made.Saved.ContentID != anID || made.Data.Flashcards[0].Question != "Q" {
		t.Errorf("%+v %s", made, failed)
	}
	if asked.Type != study.Flashcards || asked.UserID != "ada" || asked.Options.Count != 3 || asked.Options.Difficulty != "hard" || asked.Options.Content != "Cells are small." {
		t.Errorf("%+v", asked)
	}
	if len(asked.Clients) != 1 || !strings.HasPrefix(asked.Clients[0], "address ") { // the client that run limits count
		t.Errorf("the run counts for %q", asked.Clients)
	}
	if _, failed := call[any](t, session, "make_study_aid", map[string]any{"kind": "quiz", "instructions": "cells", "count": 4}); failed != "" || asked.Options.QuestionCount != 4 {
		t.Errorf("%+v %s", asked, failed)
	}
	for _, wrong := range []map[string]any{{"kind": "poem"}, {}, {"kind": "quiz"}, {"kind": "quiz", "instructions": "x", "user_id": "bob"}} {
		if _, failed := call[any](t, session, "make_study_aid", wrong); failed == "" {
			t.Errorf("%v was taken", wrong)
		}
	}
	f.runs.full.Store(true)
	if _, failed := call[any](t, session, "make_study_aid", map[string]any{"kind": "quiz", "instructions": "x"}); failed != "full" {
		t.Errorf("%q", failed)
	}
}

func TestAnAssistantReviewsCards(t *testing.T) {
	f := serve(t, mcpOn)
	for _, user := range []string{"ada", "bob"} {
		data := `{"flashcards":[{"question":"What is ATP?","answer":"Energy","topic":"Cells","difficulty":"easy"}],"total_count":1,"topics_covered":["Cells"]}`
		if _, err := f.store.SaveContent(t.Context(), study.Content{UserID: user, Type: study.Flashcards, Title: "Cells", Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
	}
	session, other := f.assistant("ada"), f.assistant("bob")
	due, failed := call[review.Queue](t, session, "list_due_cards", map[string]any{"limit": 5})
	if failed != "" || len(due.Cards) != 1 || due.Cards[0].Question != "What is ATP?" || due.Counts.New != 1 {
		t.Fatalf("%+v %s", due, failed)
	}
	card := due.Cards[0].CardID
	if _, failed := call[any](t, other, "grade_card", map[string]any{"card_id": card, "rating": 3}); failed == "" {
		t.Error("another user graded the card")
	}
	grade := map[string]any{"card_id": card, "rating": 4, "review_id": anID}
	first, failed := call[review.CardStatus](t, session, "grade_card", grade)
	again, _ := call[review.CardStatus](t, session, "grade_card", grade)
	if failed != "" || first.Reps != 1 || again != first {
		t.Errorf("%+v, again %+v, %s", first, again, failed)
	}
	if due, _ := call[review.Queue](t, session, "list_due_cards", nil); len(due.Cards) != 0 {
		t.Errorf("%+v", due)
	}
	for tool, wrong := range map[string]map[string]any{"list_due_cards": {"limit": 51}, "grade_card": {"card_id": card, "rating": 5}} {
		if _, failed := call[any](t, session, tool, wrong); failed == "" {
			t.Errorf("%s took %v", tool, wrong)
		}
	}
}

const (
	initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
	accepting  = "application/json, text/event-stream"
)

func TestMCPIsAnsweredWithJSONAndOnlyWhereItIsOn(t *testing.T) {
	f := serve(t, mcpOn)
	r := f.ask("POST", "/mcp?user_id=ada", initialize, "Accept", accepting)
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "application/json" || !strings.Contains(string(r.body), `"serverInfo"`) || r.Header.Get("Mcp-Session-Id") != "" {
		t.Errorf("%d %v %s", r.StatusCode, r.Header, r.body)
	}
	if r := f.ask("POST", "/mcp?user_id=ada", `{"jsonrpc":"2.0","method":"notifications/initialized"}`, "Accept", accepting); r.StatusCode != http.StatusAccepted || len(r.body) != 0 {
		t.Errorf("a notification: %d %s", r.StatusCode, r.body)
	}
	for name, test := range map[string]struct {
		method, path, body, accept string
		status                     int
	}{
		"nobody's":        {"POST", "/mcp", initialize, accepting, http.StatusUnprocessableEntity},
		"not JSON":        {"POST", "/mcp?user_id=ada", `{`, accepting, http.StatusBadRequest},
		"not acceptable":  {"POST", "/mcp?user_id=ada", initialize, "text/html", http.StatusBadRequest},
		"a stream of its": {"GET", "/mcp?user_id=ada", "", accepting, http.StatusMethodNotAllowed},
	} {
		if r := f.ask(test.method, test.path, test.body, "Accept", test.accept); r.StatusCode != test.status {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
		}
	}
	if r := serve(t).ask("POST", "/mcp?user_id=ada", initialize, "Accept", accepting); r.StatusCode != http.StatusNotFound {
		t.Errorf("off: %d %s", r.StatusCode, r.body)
	}
}

func TestAnAssistantReachesItsOwnAccountOnly(t *testing.T) {
	f := serveAccounts(t, mcpOn)
	ada, bob := f.enrol(), f.enrol()
	f.ask("POST", "/api/notes", `{"content":"Mitochondria make ATP, `+canary+`."}`, ada.cookie...)
	const search = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_notes","arguments":{"query":"mitochondria"}}}`
	for name, tt := range map[string]struct {
		query  string
		who    []string
		status int
		finds  bool
	}{
		"her code":               {"", ada.bearer(), 200, true},
		"her own id":             {"?user_id=" + ada.id, ada.bearer(), 200, true},
		"another":                {"", bob.bearer(), 200, false},
		"another with her id":    {"?user_id=" + ada.id, bob.bearer(), 403, false},
		"nobody":                 {"", nil, 401, false},
		"nobody with her id":     {"?user_id=" + ada.id, nil, 401, false},
		"a made-up study code":   {"", []string{"Authorization", "Bearer made-up"}, 401, false},
		"another's cookie, hers": {"?user_id=" + ada.id, bob.cookie, 403, false},
	} {
		r := f.ask("POST", "/mcp"+tt.query, search, append([]string{"Accept", accepting}, tt.who...)...)
		if r.StatusCode != tt.status || strings.Contains(string(r.body), canary) != tt.finds {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
		}
	}
}
