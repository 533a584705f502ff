package httpapi

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"

	"studysharper/app/httpapi/mcp"
	"studysharper/app/httpserver"
	"studysharper/app/store"
	"studysharper/app/study"
)

// requireMCP returns CodeNotFound unless the operator has enabled the endpoint.
func (s *Server) requireMCP(c *fiber.Ctx) error {
	if !s.o.MCP {
		return study.Errorf(study.CodeNotFound, "this server does not serve MCP (MCP=on)")
	}
	return c.Next()
}

// mcp answers POST /mcp: one message of the Model Context Protocol, for the request's user.
func (s *Server) mcp(c *fiber.Ctx) error {
	user, err := namedOwner(c)
	if err != nil {
		return err
	}
	if err := store.CheckUser(user); err != nil {
		return err
	}
	ctx, done := httpserver.WithDisconnect(s.lifetime, c.Context(), errLeft)
	defer done()
	header := func(name string) string { return utils.CopyString(c.Get(name)) }
	answer, err := mcp.Serve(ctx, s.o.Version, s.mcpTools(c, user), mcp.Request{Header: header, Body: slices.Clone(c.Request().Body())})
	if err != nil {
		return err
	}
	c.Status(answer.Status)
	if len(answer.Body) > 0 {
		c.Set(fiber.HeaderContentType, answer.ContentType)
	}
	return c.Send(answer.Body)
}

// mcpTools are what an assistant can do for a user. The handler waits while one is called.
func (s *Server) mcpTools(c *fiber.Ctx, user string) []mcp.Tool {
	return []mcp.Tool{
		{Name: "search_notes", ReadOnly: true,
			Description: "Find passages in the student's notes. Gives the best passage of each note that matches, best first; without a query the newest notes.",
			Input:       searchSchema,
			Call: func(ctx context.Context, arguments json.RawMessage) (any, error) {
				return s.searchNotes(ctx, user, arguments)
			}},
		{Name: "make_study_aid",
			Description: "Make flashcards, a quiz, an exam, a summary, an analysis or a study plan from the student's notes or from a text, and keep it in the student's library. Takes up to a minute.",
			Input:       aidSchema,
			Call: func(ctx context.Context, arguments json.RawMessage) (any, error) {
				return s.makeAid(ctx, c, user, arguments)
			}},
		{Name: "list_due_cards", ReadOnly: true,
			Description: "List the flashcards that the student has to review now, with the interval in seconds after each rating. Ask the question, let the student answer, then call grade_card.",
			Input:       dueSchema,
			Call: func(ctx context.Context, arguments json.RawMessage) (any, error) {
				return s.dueCards(ctx, user, arguments)
			}},
		{Name: "grade_card",
			Description: "Keep how well the student knew a card: 1 again, 2 hard, 3 good, 4 easy. Gives when it is due next.",
			Input:       gradeSchema,
			Call: func(ctx context.Context, arguments json.RawMessage) (any, error) {
				return s.gradeCard(ctx, user, arguments)
			}},
	}
}

var searchSchema = json.RawMessage(`{"type":"object","properties":{
	"query":{"type":"string","description":"Words to find; all forms of a word count."},
	"limit":{"type":"integer","minimum":1,"maximum":20,"default":5}},"additionalProperties":false}`)

// foundPassage is a passage of a note in the result of search_notes.
type foundPassage struct {
	NoteID  string `json:"note_id"`
	Title   string `json:"title"`
	Section string `json:"section,omitempty"`
	Page    int    `json:"page,omitempty"`
	Text    string `json:"text"`
}

// The limits of search_notes.
const (
	mcpPassages     = 5
	mcpMostPassages = 20
)

func (s *Server) searchNotes(ctx context.Context, user string, arguments json.RawMessage) (any, error) {
	var asked struct {
		Query string `json:"query"`
		Limit *int   `json:"limit"`
	}
	if err := study.Decode(arguments, &asked); err != nil {
		return nil, err
	}
	limit := mcpPassages
	if asked.Limit != nil {
		if limit = *asked.Limit; limit < 1 || limit > mcpMostPassages {
			return nil, study.Invalid([]study.Fault{{Field: "limit", Detail: "must be a whole number from 1 to 20"}})
		}
	}
	done, err := s.takeTurn()
	if err != nil {
		return nil, err
	}
	defer done()
	notes, _, err := s.o.Store.Notes(ctx, store.NoteQuery{UserID: user, Search: asked.Query, AnyWord: true, Page: store.Page{Limit: limit}})
	if err != nil {
		return nil, err
	}
	found, err := s.bestPassages(ctx, user, notes, asked.Query)
	return fiber.Map{"passages": found}, err
}

// bestPassages returns the passage of each note that matches the query best, in the order of the notes: the note's
// first passage if none contains a word of the query, and only its title if the note has no text.
func (s *Server) bestPassages(ctx context.Context, user string, notes []study.Note, query string) ([]foundPassage, error) {
	best := make([]foundPassage, len(notes))
	if len(notes) == 0 {
		return best, nil
	}
	ids := make([]string, len(notes))
	for i, n := range notes {
		ids[i] = n.ID
		best[i] = foundPassage{NoteID: n.ID, Title: n.Title}
	}
	list, err := s.o.Store.SearchPassages(ctx, store.PassageQuery{UserID: user, NoteIDs: ids, Search: query, Limit: store.MaxRows})
	for _, p := range slices.Backward(list) { // the best passage of a note comes before its others
		i := slices.Index(ids, p.NoteID)
		best[i].Section, best[i].Page, best[i].Text = p.Section, p.Page, p.Text
	}
	return best, err
}

var aidSchema = json.RawMessage(`{"type":"object","required":["kind"],"properties":{
	"kind":{"type":"string","enum":["flashcards","quiz","exam","summary","analysis","plan"]},
	"instructions":{"type":"string","description":"What the student wants, in a sentence; also what to look for in the notes."},
	"topic":{"type":"string","description":"Leave out what is not about this."},
	"content":{"type":"string","description":"The text to work from, instead of the student's notes."},
	"note_ids":{"type":"array","items":{"type":"string"},"description":"Work from these notes; search_notes gives their ids."},
	"count":{"type":"integer","minimum":1,"maximum":50,"description":"How many cards, questions or sessions."},
	"difficulty":{"type":"string","enum":["easy","medium","hard","adaptive"]}},"additionalProperties":false}`)

// aidKinds maps the names that make_study_aid uses to types.
var aidKinds = map[string]study.Type{"flashcards": study.Flashcards, "quiz": study.Quiz, "exam": study.Exam,
	"summary": study.Summary, "analysis": study.Analysis, "plan": study.Plan}

// makeAid runs an agent request within the limits of POST /api/ai/process.
func (s *Server) makeAid(ctx context.Context, c *fiber.Ctx, user string, arguments json.RawMessage) (any, error) {
	body, err := aidRequest(user, arguments)
	if err != nil {
		return nil, err
	}
	if err := s.refuseIfDiskFull(); err != nil {
		return nil, err
	}
	if err := s.o.Runs.RejectIfFull(); err != nil {
		return nil, err
	}
	place, err := s.holdRun(c)
	if err != nil {
		return nil, err
	}
	defer s.o.Admission.Runs.Release(place)
	r, err := study.ParseRequest(body)
	if err != nil {
		return nil, err
	}
	r.Clients = s.payers(c)
	outcome, _, err := s.o.Runs.Do(ctx, r.InSession(newID))
	if err != nil {
		return nil, err
	}
	return fiber.Map{"data": outcome.Result.Data, "saved": outcome.Result.Saved, "warnings": outcome.Result.Warnings}, nil
}

// aidRequest turns the arguments of make_study_aid into the body of an agent request, which is then checked like any
// other.
func aidRequest(user string, arguments json.RawMessage) ([]byte, error) {
	var asked struct {
		Kind         string   `json:"kind"`
		Instructions string   `json:"instructions"`
		Topic        string   `json:"topic"`
		Content      string   `json:"content"`
		NoteIDs      []string `json:"note_ids"`
		Count        *int     `json:"count"`
		Difficulty   string   `json:"difficulty"`
	}
	if err := study.Decode(arguments, &asked); err != nil {
		return nil, err
	}
	kind, ok := aidKinds[asked.Kind]
	if !ok {
		return nil, study.Invalid([]study.Fault{{Field: "kind", Detail: "must be flashcards, quiz, exam, summary, analysis or plan"}})
	}
	options := fiber.Map{}
	for name, value := range map[string]string{"topic": asked.Topic, "content": asked.Content, "difficulty": asked.Difficulty} {
		if value != "" {
			options[name] = value
		}
	}
	if asked.Count != nil && (kind == study.Quiz || kind == study.Exam) {
		options["question_count"] = *asked.Count
	} else if asked.Count != nil {
		options["count"] = *asked.Count
	}
	request := fiber.Map{"type": kind, "user_id": user, "message": asked.Instructions, "options": options}
	if len(asked.NoteIDs) > 0 {
		request["explicit_note_ids"] = asked.NoteIDs
	}
	body, err := json.Marshal(request)
	return body, study.Wrap(err, study.CodeInternal, "the request cannot be made")
}
