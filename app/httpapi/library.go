package httpapi

import (
	"encoding/json"
	"strconv"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"

	"studysharper/app/store"
	"studysharper/app/study"
)

const (
	defaultLimit = 20
	maxLimit     = 200
)

func (s *Server) sessions(c *fiber.Ctx) error {
	user, page, err := listing(c)
	if err != nil {
		return err
	}
	sessions, next, err := s.o.Store.Sessions(s.lifetime, user, page)
	if err != nil {
		return err
	}
	return listed(c, fiber.Map{"sessions": sessions}, len(sessions), next)
}

func (s *Server) session(c *fiber.Ctx) error {
	id, err := idParam(c, "session")
	if err != nil {
		return err
	}
	user, err := userOf(c, query(c, "user_id"))
	if err != nil {
		return err
	}
	session, err := s.o.Store.Session(s.lifetime, id)
	if err == nil && user != "" && session.UserID != user {
		err = errNotMine
	}
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
	page, err := pageOf(c, defaultLimit)
	if err != nil {
		return err
	}
	user, err := userOf(c, query(c, "user_id"))
	if err != nil {
		return err
	}
	if err := s.known(c, user, id); err != nil {
		return err
	}
	messages, next, err := s.o.Store.Messages(s.lifetime, id, page)
	if err != nil {
		return err
	}
	return listed(c, fiber.Map{"session_id": id, "messages": messages}, len(messages), next)
}

// contentItem is a kept aid as it is listed.
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
	for i, kept := range contents {
		items[i] = contentItem{kept, kept.Data}
	}
	return listed(c, fiber.Map{"content_type": kind, "items": items}, len(items), next)
}

// contentKind is the type whose aids are listed under a name.
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
	if err := decode(c, &f); err != nil {
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

// decode reads a JSON object into a struct; a field of the wrong type is named.
func decode(c *fiber.Ctx, into any) error {
	return study.Decode(c.Request().Body(), into)
}

// listing reads what every listing takes: whose, and which part of it.
func listing(c *fiber.Ctx) (user string, page store.Page, err error) {
	user, err = userOf(c, query(c, "user_id"))
	if err != nil {
		return "", page, err
	}
	if user == "" {
		return "", page, study.Invalid([]study.Fault{{Field: "user_id", Detail: "is required, in the query"}})
	}
	page, err = pageOf(c, defaultLimit)
	return user, page, err
}

// pageOf reads how many rows of a list are wanted, and from where on.
func pageOf(c *fiber.Ctx, otherwise int) (store.Page, error) {
	limit, err := numberOf(c, "limit", otherwise, maxLimit)
	return store.Page{Limit: limit, Before: query(c, "before")}, err
}

// listed answers with a list: its fields, how many rows, and the cursor to give as
// `before` for those that follow. At the end there is none.
func listed(c *fiber.Ctx, fields fiber.Map, count int, next string) error {
	fields["status"], fields["count"] = "success", count
	if next != "" {
		fields["next_cursor"] = next
	}
	return c.JSON(fields)
}

func numberOf(c *fiber.Ctx, name string, otherwise, most int) (int, error) {
	given := query(c, name)
	if given == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 || n > most {
		return 0, study.Invalid([]study.Fault{{Field: name, Detail: "must be a whole number from 1 to " + strconv.Itoa(most)}})
	}
	return n, nil
}

func query(c *fiber.Ctx, name string) string { return utils.CopyString(c.Query(name)) }

func idParam(c *fiber.Ctx, name string) (string, error) {
	id, ok := study.CanonicalID(c.Params(name))
	if !ok {
		return "", study.Invalid([]study.Fault{{Field: name + "_id", Detail: "must be a UUID"}})
	}
	return utils.CopyString(id), nil
}
