package httpapi

import (
	"maps"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/store"
	"studysharper/app/study"
)

// noteBody creates or changes a note; nil fields are not changed.
type noteBody struct {
	UserID  *string `json:"user_id"`
	Title   *string `json:"title"`
	Content *string `json:"content"`
	Subject *string `json:"subject"`

	Tags *[]string `json:"tags"`
}

func (s *Server) createNote(c *fiber.Ctx) error {
	var body noteBody
	if err := study.Decode(c.Request().Body(), &body); err != nil {
		return err
	}
	user, err := userOf(c, textOf(body.UserID))
	if err != nil {
		return err
	}
	if err := required(map[string]*string{"user_id": &user, "content": body.Content}); err != nil {
		return err
	}
	note := study.Note{UserID: user, Title: textOf(body.Title), Content: *body.Content, Subject: textOf(body.Subject)}
	if body.Tags != nil {
		note.Tags = *body.Tags
	}
	note, err = s.o.Store.CreateNote(s.context(c), note)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderLocation, "/api/notes/"+note.ID)
	return c.Status(fiber.StatusCreated).JSON(note)
}

func (s *Server) note(c *fiber.Ctx) error {
	user, id, err := noteAsked(c)
	if err != nil {
		return err
	}
	note, err := s.o.Store.Note(s.lifetime, user, id)
	if err != nil {
		return err
	}
	return c.JSON(note)
}

func (s *Server) notes(c *fiber.Ctx) error {
	user, page, err := listing(c)
	if err != nil {
		return err
	}
	notes, next, err := s.o.Store.Notes(s.lifetime, store.NoteQuery{UserID: user, Search: query(c, "q"), Subject: query(c, "subject"), Brief: query(c, "brief") == "true", Page: page})
	if err != nil {
		return err
	}
	return listed(c, fiber.Map{"notes": notes}, len(notes), next)
}

func (s *Server) updateNote(c *fiber.Ctx) error {
	id, err := idParam(c, "note")
	if err != nil {
		return err
	}
	var body noteBody
	if err := study.Decode(c.Request().Body(), &body); err != nil {
		return err
	}
	user, err := namedUser(c, textOf(body.UserID))
	if err != nil {
		return err
	}
	if body.Content != nil && strings.TrimSpace(*body.Content) == "" {
		return study.Invalid([]study.Fault{{Field: "content", Detail: "must not be empty"}})
	}
	note, err := s.o.Store.UpdateNote(s.context(c), user, id,
		study.NoteChange{Title: body.Title, Content: body.Content, Subject: body.Subject, Tags: body.Tags})
	if err != nil {
		return err
	}
	return c.JSON(note)
}

func (s *Server) deleteNote(c *fiber.Ctx) error {
	user, id, err := noteAsked(c)
	if err != nil {
		return err
	}
	if err := s.o.Store.DeleteNote(s.context(c), user, id); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// noteAsked returns the note that a request names, and the user who must own it.
func noteAsked(c *fiber.Ctx) (user, id string, err error) {
	if id, err = idParam(c, "note"); err != nil {
		return "", "", err
	}
	user, err = userOf(c, query(c, "user_id"))
	return user, id, err
}

// textOf returns a field's text; "" if it is missing.
func textOf(field *string) string {
	if field == nil {
		return ""
	}
	return *field
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
