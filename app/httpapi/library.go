package httpapi

import (
	"encoding/json"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"

	"studysharper/app/study"
)

// contentItem is a saved aid in a list.
type contentItem struct {
	study.Content
	Data json.RawMessage `json:"data"`
}

func (s *Server) contents(c *fiber.Ctx) error {
	kind := utils.CopyString(c.Params("kind"))
	of, ok := contentKind(kind)
	if !ok {
		return study.Errorf(study.CodeNotFound, "no such content: flashcards, quizzes, exams or summaries")
	}
	user, page, err := listing(c)
	if err != nil {
		return err
	}
	contents, next, err := s.o.Store.Contents(s.lifetime, user, of, page)
	if err != nil {
		return err
	}
	items := make([]contentItem, len(contents))
	for i, saved := range contents {
		items[i] = contentItem{saved, saved.Data}
	}
	return listed(c, fiber.Map{"content_type": kind, "items": items}, len(items), next)
}

// contentKind is the type of the aids that a name of a list stands for.
func contentKind(name string) (study.Type, bool) {
	for t, listed := range study.ContentTypes() {
		if listed == name {
			return t, true
		}
	}
	return "", false
}

func (s *Server) contentStats(c *fiber.Ctx) error {
	user, err := userOf(c, utils.CopyString(c.Params("user")))
	if err != nil {
		return err
	}
	counts, err := s.o.Store.ContentStats(s.lifetime, user)
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
	if err := study.Decode(c.Request().Body(), &f); err != nil {
		return err
	}
	user, err := namedUser(c, f.UserID)
	if err != nil {
		return err
	}
	f.UserID = user
	var faults []study.Fault
	if f.UserID == "" {
		faults = append(faults, study.Fault{Field: "user_id", Detail: "is required, in the query"})
	}
	if f.Rating < 1 || f.Rating > 5 {
		faults = append(faults, study.Fault{Field: "rating", Detail: "must be a whole number from 1 to 5"})
	}
	if _, ok := contentKind(f.ContentType); !ok {
		faults = append(faults, study.Fault{Field: "content_type", Detail: "must be flashcards, quizzes, exams or summaries"})
	}
	if _, ok := study.CanonicalID(f.ContentID); !ok {
		faults = append(faults, study.Fault{Field: "content_id", Detail: "must be a UUID"})
	}
	if err := study.Invalid(faults); err != nil {
		return err
	}
	if err := s.o.Store.SaveFeedback(s.context(c), f); err != nil {
		return err
	}
	return c.Status(fiber.StatusCreated).JSON(fiber.Map{"status": "success"})
}
