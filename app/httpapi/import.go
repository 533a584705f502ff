package httpapi

import (
	"cmp"
	"context"
	"os"
	"strings"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/limit"
	"studysharper/app/study"
)

// Import is how files become notes.
type Import struct {
	Reader   Importer
	MaxBytes int64         // of a file; above it 413
	Places   *limit.Places // of files being received, over all workers; nil = without a bound
}

// Importer reads a file; see child.Reader.
type Importer interface {
	// Extract blocks for less than WORKER_TIMEOUT. extension is the file name's, without the dot.
	Extract(ctx context.Context, file *os.File, extension string) (study.Extraction, error)
}

const importRoute = "/api/notes/import"

// maxNoteTitle is how many characters of a file's name become a title.
const maxNoteTitle = 200

// importNote makes a note of a file.
func (s *Server) importNote(c *fiber.Ctx) error {
	u := uploadOf(c)
	user, err := userOf(c, query(c, "user_id"))
	if err != nil {
		return err
	}
	read, err := s.o.Import.Reader.Extract(s.lifetime, u.file, u.extension())
	if err != nil {
		return err
	}
	if err := s.mayStore(c, int64(len(read.Markdown))); err != nil {
		return err
	}
	note, err := s.o.Store.CreateNote(s.context(c), study.Note{UserID: user, Title: titleOf(read, u), Content: read.Markdown, Subject: query(c, "subject")})
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderLocation, "/api/notes/"+note.ID)
	return c.Status(fiber.StatusCreated).JSON(fiber.Map{"note": note, "format": read.Format, "pages": read.Pages, "words": read.Words, "warnings": read.Warnings})
}

// titleOf is the title that the file states, else its name.
func titleOf(read study.Extraction, u *upload) string {
	name := strings.TrimSpace(strings.Map(printable, strings.TrimSuffix(u.name, "."+u.extension())))
	runes := []rune(cmp.Or(read.Title, name, "Imported file"))
	return string(runes[:min(len(runes), maxNoteTitle)])
}

// printable drops control characters, for strings.Map.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}
