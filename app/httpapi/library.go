package httpapi

import (
	"encoding/json"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"

	"studysharper/app/store"
	"studysharper/app/study"
)

// contentItem is a saved aid as sent to clients; Data is absent in the list of all kinds.
type contentItem struct {
	study.Content
	Kind string          `json:"content_type"`
	Data json.RawMessage `json:"data,omitempty"`
}

func itemOf(v study.Content) contentItem {
	return contentItem{v, study.ContentTypes()[v.Type], v.Data}
}

// library answers GET /api/ai/generated-content: aids of all kinds, without their data.
func (s *Server) library(c *fiber.Ctx) error {
	return s.listContents(c, fiber.Map{}, store.ContentQuery{Brief: true})
}

// contents answers GET /api/ai/generated-content/{kind}.
func (s *Server) contents(c *fiber.Ctx) error {
	of, kind, err := kindAsked(c)
	if err != nil {
		return err
	}
	return s.listContents(c, fiber.Map{"content_type": kind}, store.ContentQuery{Type: of})
}

func (s *Server) listContents(c *fiber.Ctx, fields fiber.Map, q store.ContentQuery) (err error) {
	if q.UserID, q.Page, err = listing(c); err != nil {
		return err
	}
	q.Search, q.Subject = query(c, "q"), query(c, "subject")
	contents, next, err := s.o.Store.Contents(s.lifetime, q)
	if err != nil {
		return err
	}
	items := make([]contentItem, len(contents))
	for i, saved := range contents {
		items[i] = itemOf(saved)
	}
	fields["items"] = items
	return listed(c, fields, len(items), next)
}

// kindAsked returns the type of the aids that a request asks for, and the name of their list.
func kindAsked(c *fiber.Ctx) (study.Type, string, error) {
	kind := utils.CopyString(c.Params("kind"))
	of, ok := study.ContentType(kind)
	if !ok {
		return "", "", study.Errorf(study.CodeNotFound, "unknown content type: use flashcards, quizzes, exams, summaries, analyses or plans")
	}
	return of, kind, nil
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
	if _, ok := study.ContentType(f.ContentType); !ok {
		faults = append(faults, study.Fault{Field: "content_type", Detail: "must be flashcards, quizzes, exams, summaries, analyses or plans"})
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
