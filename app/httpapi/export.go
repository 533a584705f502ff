package httpapi

import (
	"bytes"
	"io"
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/export"
	"studysharper/app/httpserver"
	"studysharper/app/store"
	"studysharper/app/study"
)

// exportContent answers GET /api/ai/generated-content/{kind}/{content}/export with an aid as a file.
func (s *Server) exportContent(c *fiber.Ctx) error {
	a, err := s.askedContent(c)
	if err != nil {
		return err
	}
	format, err := export.CheckFormat(a.of, query(c, "format"))
	if err != nil {
		return err
	}
	saved, err := s.o.Store.Content(s.lifetime, a.user, a.of, a.id)
	if err != nil {
		return err
	}
	var file bytes.Buffer
	if err := export.Write(&file, saved, format); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentDisposition, export.Disposition(export.Name(saved, format)))
	c.Set(fiber.HeaderContentType, format.MediaType())
	return c.Send(file.Bytes())
}

// maxArchives is the number of archives that a worker writes at a time; how long one takes depends on its client.
const maxArchives = 4

// exportAccount answers GET /api/account/export with all of a user's data, as a ZIP file that is written while it is
// sent.
func (s *Server) exportAccount(c *fiber.Ctx) error {
	user, err := namedOwner(c)
	if err != nil {
		return err
	}
	if _, _, err := s.o.Store.Sessions(s.lifetime, user, store.Page{Limit: 1}); err != nil { // while an error status can still be sent
		return err
	}
	c.Set(fiber.HeaderContentDisposition, export.Disposition("studysharper "+time.Now().UTC().Format(time.DateOnly)+".zip"))
	c.Set(fiber.HeaderContentType, "application/zip")
	if c.Method() == fiber.MethodHead {
		return nil
	}
	select {
	case s.archives <- struct{}{}:
	default:
		return study.Errorf(study.CodeOverloaded, "too many archives are being sent")
	}
	httpserver.StreamAnswer(c.Context(), func(w io.Writer) error {
		return export.WriteArchive(s.lifetime, w, s.o.Store, user)
	}, func() { <-s.archives })
	return nil
}

// namedOwner returns the user whose data a request concerns. The request must name one.
func namedOwner(c *fiber.Ctx) (string, error) {
	user, err := userOf(c, query(c, "user_id"))
	if err == nil && user == "" {
		err = study.Invalid([]study.Fault{{Field: "user_id", Detail: "is required, in the query"}})
	}
	return user, err
}

// deleteAccount answers DELETE /api/account: it removes all of a user's data. Each session is ended as by DELETE
// /api/ai/sessions, with its runs and streams.
func (s *Server) deleteAccount(c *fiber.Ctx) error {
	user, err := namedOwner(c)
	if err != nil {
		return err
	}
	for {
		sessions, _, err := s.o.Store.Sessions(s.lifetime, user, store.Page{Limit: store.MaxRows})
		if err != nil {
			return err
		}
		for _, v := range sessions {
			if err := unlessFound(s.o.Store.DeleteSession(s.lifetime, v.ID), s.o.Journal.Drop(s.lifetime, v.ID)); err != nil && !study.IsCode(err, study.CodeNotFound) {
				return err
			}
		}
		if len(sessions) == 0 {
			break
		}
	}
	if err := s.o.Store.DeleteUser(s.lifetime, user); err != nil {
		return err
	}
	if s.o.Accounts != nil {
		s.setCookie(c, "", 0)
	}
	return c.SendStatus(fiber.StatusNoContent)
}
