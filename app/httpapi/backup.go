package httpapi

import (
	"io"
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/export"
	"studysharper/app/httpserver"
	"studysharper/app/study"
)

// backup answers GET /api/admin/backup with a consistent copy of the SQLite database. The copy is complete before the
// answer begins, and needs as much disk space as the database.
func (s *Server) backup(c *fiber.Ctx) error {
	if s.o.Snapshot == nil {
		return study.Errorf(study.CodeNotFound, "there is no database file: with PostgreSQL, use pg_dump")
	}
	c.Set(fiber.HeaderContentDisposition, export.Disposition("studysharper "+time.Now().UTC().Format("2006-01-02 150405")+".db"))
	c.Set(fiber.HeaderContentType, "application/vnd.sqlite3")
	if c.Method() == fiber.MethodHead {
		return nil
	}
	copied, err := s.o.Snapshot(s.lifetime)
	if err != nil {
		return err
	}
	httpserver.StreamAnswer(c.Context(), func(w io.Writer) error {
		_, err := io.Copy(w, copied)
		return err
	}, func() { _ = copied.Close() })
	return nil
}
