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

// Import configures how files become notes.
type Import struct {
	Reader   Importer
	MaxBytes int64         // of a file; a larger one is answered with 413
	Places   *limit.Places // for files being received, over all workers; nil = unlimited
}

// Importer reads a file; see child.Reader.
type Importer interface {
	// Extract blocks for less than WORKER_TIMEOUT. extension is the file name's extension, without the dot.
	Extract(ctx context.Context, file *os.File, extension string) (study.Extraction, error)
}

const importRoute = "/api/notes/import"

// maxNoteTitle limits a title made from a file name, in characters.
const maxNoteTitle = 200

// importNote makes a note from a file.
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

// titleOf returns the title stated in the file, or else the file's name.
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
