package httpapi

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"

	"studysharper/app/store"
	"studysharper/app/study"
)

const (
	defaultLimit = 20
	maxLimit     = 200
)

// noteBody is what a note is made or changed by; nil fields are left alone.
type noteBody struct {
	UserID  *string `json:"user_id"`
	Title   *string `json:"title"`
	Content *string `json:"content"`
}

func (s *Server) createNote(c *fiber.Ctx) error {
	var body noteBody
	if err := decode(c, &body); err != nil {
		return err
	}
	if err := required(map[string]*string{"user_id": body.UserID, "content": body.Content}); err != nil {
		return err
	}
	note := study.Note{UserID: *body.UserID, Content: *body.Content}
	if body.Title != nil {
		note.Title = *body.Title
	}
	note, err := s.o.Store.CreateNote(s.lifetime, note)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderLocation, "/api/notes/"+note.ID)
	return c.Status(fiber.StatusCreated).JSON(note)
}

func (s *Server) note(c *fiber.Ctx) error {
	id, err := idParam(c, "note")
	if err != nil {
		return err
	}
	note, err := s.o.Store.Note(s.lifetime, query(c, "user_id"), id)
	if err != nil {
		return err
	}
	return c.JSON(note)
}

func (s *Server) notes(c *fiber.Ctx) error {
	user, limit, err := listing(c)
	if err != nil {
		return err
	}
	notes, err := s.o.Store.Notes(s.lifetime, store.NoteQuery{UserID: user, Search: query(c, "q"), Limit: limit})
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"status": "success", "notes": notes, "count": len(notes)})
}

func (s *Server) updateNote(c *fiber.Ctx) error {
	id, err := idParam(c, "note")
	if err != nil {
		return err
	}
	var body noteBody
	if err := decode(c, &body); err != nil {
		return err
	}
	note, err := s.o.Store.UpdateNote(s.lifetime, query(c, "user_id"), id, body.Title, body.Content)
	if err != nil {
		return err
	}
	return c.JSON(note)
}

func (s *Server) deleteNote(c *fiber.Ctx) error {
	id, err := idParam(c, "note")
	if err != nil {
		return err
	}
	if err := s.o.Store.DeleteNote(s.lifetime, query(c, "user_id"), id); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

func (s *Server) sessions(c *fiber.Ctx) error {
	user, limit, err := listing(c)
	if err != nil {
		return err
	}
	sessions, err := s.o.Store.Sessions(s.lifetime, user, limit)
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"status": "success", "sessions": sessions, "count": len(sessions)})
}

func (s *Server) session(c *fiber.Ctx) error {
	id, err := idParam(c, "session")
	if err != nil {
		return err
	}
	session, err := s.o.Store.Session(s.lifetime, id)
	if err != nil {
		return err
	}
	return c.JSON(session)
}

func (s *Server) messages(c *fiber.Ctx) error {
	id, err := idParam(c, "session")
	if err != nil {
		return err
	}
	limit, err := limitOf(c)
	if err != nil {
		return err
	}
	messages, err := s.o.Store.Messages(s.lifetime, id, limit)
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"status": "success", "session_id": id, "messages": messages, "count": len(messages)})
}

// contentItem is a kept aid as it is listed.
type contentItem struct {
	study.Content
	Data json.RawMessage `json:"data"`
}

func (s *Server) contents(c *fiber.Ctx) error {
	kind := utils.CopyString(c.Params("kind"))
	var of study.Type
	for t, name := range study.ContentTypes() {
		if name == kind {
			of = t
		}
	}
	if of == "" {
		return study.Errorf(study.CodeNotFound, "no such content: flashcards, quizzes, exams or summaries")
	}
	user, limit, err := listing(c)
	if err != nil {
		return err
	}
	contents, err := s.o.Store.Contents(s.lifetime, user, of, limit)
	if err != nil {
		return err
	}
	items := make([]contentItem, len(contents))
	for i, kept := range contents {
		items[i] = contentItem{kept, kept.Data}
	}
	return c.JSON(fiber.Map{"status": "success", "content_type": kind, "items": items, "count": len(items)})
}

func (s *Server) contentStats(c *fiber.Ctx) error {
	counts, err := s.o.Store.ContentStats(s.lifetime, utils.CopyString(c.Params("user")))
	if err != nil {
		return err
	}
	stats, total := map[string]int{}, 0
	for t, name := range study.ContentTypes() {
		stats[name] = counts[t]
		total += counts[t]
	}
	return c.JSON(fiber.Map{"status": "success", "stats": stats, "total_items": total})
}

func (s *Server) feedback(c *fiber.Ctx) error {
	var f study.Feedback
	if err := decode(c, &f); err != nil {
		return err
	}
	f.UserID = query(c, "user_id")
	var faults []study.Fault
	if f.UserID == "" {
		faults = append(faults, study.Fault{Field: "user_id", Detail: "is required, in the query"})
	}
	if f.Rating < 1 || f.Rating > 5 {
		faults = append(faults, study.Fault{Field: "rating", Detail: "must be a whole number from 1 to 5"})
	}
	if _, ok := study.CanonicalID(f.ContentID); !ok {
		faults = append(faults, study.Fault{Field: "content_id", Detail: "must be a UUID"})
	}
	if err := study.Invalid(faults); err != nil {
		return err
	}
	if err := s.o.Store.SaveFeedback(s.lifetime, f); err != nil {
		return err
	}
	return c.Status(fiber.StatusCreated).JSON(fiber.Map{"status": "success"})
}

// decode reads a JSON object into a struct; a field of the wrong type is named.
func decode(c *fiber.Ctx, into any) error {
	return study.Decode(c.Request().Body(), into)
}

func required(fields map[string]*string) error {
	var faults []study.Fault
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if value := fields[name]; value == nil || strings.TrimSpace(*value) == "" {
			faults = append(faults, study.Fault{Field: name, Detail: "is required"})
		}
	}
	return study.Invalid(faults)
}

// listing reads what every listing takes: whose, and how many at most.
func listing(c *fiber.Ctx) (user string, limit int, err error) {
	user = query(c, "user_id")
	if user == "" {
		return "", 0, study.Invalid([]study.Fault{{Field: "user_id", Detail: "is required, in the query"}})
	}
	limit, err = limitOf(c)
	return user, limit, err
}

func limitOf(c *fiber.Ctx) (int, error) { return numberOf(c, "limit", defaultLimit, maxLimit) }

func numberOf(c *fiber.Ctx, name string, otherwise, most int) (int, error) {
	given := query(c, name)
	if given == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 {
		return 0, study.Invalid([]study.Fault{{Field: name, Detail: "must be a whole number from 1 to " + strconv.Itoa(most)}})
	}
	return min(n, most), nil
}

func query(c *fiber.Ctx, name string) string { return utils.CopyString(c.Query(name)) }

func idParam(c *fiber.Ctx, name string) (string, error) {
	id, ok := study.CanonicalID(c.Params(name))
	if !ok {
		return "", study.Invalid([]study.Fault{{Field: name + "_id", Detail: "must be a UUID"}})
	}
	return utils.CopyString(id), nil
}
