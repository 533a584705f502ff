package httpapi

import (
	"encoding/json"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"

	"studysharper/app/library"
	"studysharper/app/study"
)

// contentAsked identifies the aid that a request names.
type contentAsked struct {
	user string // the required owner; "" = any
	of   study.Type
	kind string
	id   string
}

func (s *Server) askedContent(c *fiber.Ctx) (a contentAsked, err error) {
	if a.of, a.kind, err = kindAsked(c); err != nil {
		return a, err
	}
	if a.id, err = idParam(c, "content"); err != nil {
		return a, err
	}
	a.user, err = userOf(c, query(c, "user_id"))
	return a, err
}

// content answers GET /api/ai/generated-content/{kind}/{id}.
func (s *Server) content(c *fiber.Ctx) error {
	a, err := s.askedContent(c)
	if err != nil {
		return err
	}
	saved, err := s.o.Store.Content(s.lifetime, a.user, a.of, a.id)
	if err != nil {
		return err
	}
	return c.JSON(itemOf(saved))
}

// updateContent answers PATCH /api/ai/generated-content/{kind}/{id}.
func (s *Server) updateContent(c *fiber.Ctx) error {
	a, err := s.askedContent(c)
	if err != nil {
		return err
	}
	var body struct {
		Title   *string `json:"title"`
		Subject *string `json:"subject"`
	}
	if err := study.Decode(c.Request().Body(), &body); err != nil {
		return err
	}
	if body.Title != nil && strings.TrimSpace(*body.Title) == "" {
		return study.Invalid([]study.Fault{{Field: "title", Detail: "must not be empty"}})
	}
	saved, err := s.o.Store.UpdateContent(s.context(c), a.user, a.of, a.id, func(v *study.Content) error {
		if body.Title != nil {
			v.Title = *body.Title
		}
		if body.Subject != nil {
			v.Subject = *body.Subject
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.JSON(itemOf(saved))
}

// deleteContent answers DELETE /api/ai/generated-content/{kind}/{id}.
func (s *Server) deleteContent(c *fiber.Ctx) error {
	a, err := s.askedContent(c)
	if err != nil {
		return err
	}
	if err := s.o.Store.DeleteContent(s.context(c), a.user, a.of, a.id); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// mergeContent answers POST /api/ai/generated-content/{kind}/{id}/merge: it moves the items of other aids into this
// one.
func (s *Server) mergeContent(c *fiber.Ctx) error {
	a, err := s.askedContent(c)
	if err != nil {
		return err
	}
	var body struct {
		From []string `json:"from"`
	}
	if err := study.Decode(c.Request().Body(), &body); err != nil {
		return err
	}
	saved, err := s.o.Store.MergeContents(s.context(c), a.user, a.of, a.id, body.From...)
	if err != nil {
		return err
	}
	return c.JSON(itemOf(saved))
}

// addItem answers POST /api/ai/generated-content/{kind}/{id}/items.
func (s *Server) addItem(c *fiber.Ctx) error {
	a, err := s.askedContent(c)
	if err != nil {
		return err
	}
	added, err := s.editItems(c, a, func(aid study.Aid) (library.Item, error) {
		return library.Add(aid, c.Request().Body())
	})
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderLocation, "/api/ai/generated-content/"+a.kind+"/"+a.id+"/items/"+added.ID)
	return c.Status(fiber.StatusCreated).JSON(added.Value)
}

// changeItem answers PATCH /api/ai/generated-content/{kind}/{id}/items/{item_id}.
func (s *Server) changeItem(c *fiber.Ctx) error {
	a, err := s.askedContent(c)
	if err != nil {
		return err
	}
	id := utils.CopyString(c.Params("item"))
	changed, err := s.editItems(c, a, func(aid study.Aid) (library.Item, error) {
		return library.Change(aid, id, c.Request().Body())
	})
	if err != nil {
		return err
	}
	return c.JSON(changed.Value)
}

// removeItem answers DELETE /api/ai/generated-content/{kind}/{id}/items/{item_id}.
func (s *Server) removeItem(c *fiber.Ctx) error {
	a, err := s.askedContent(c)
	if err != nil {
		return err
	}
	id := utils.CopyString(c.Params("item"))
	_, err = s.editItems(c, a, func(aid study.Aid) (library.Item, error) {
		return library.Item{}, library.Remove(aid, id)
	})
	if err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// editItems changes the items of an aid in one transaction.
func (s *Server) editItems(c *fiber.Ctx, a contentAsked, edit func(study.Aid) (library.Item, error)) (it library.Item, err error) {
	_, err = s.o.Store.UpdateContent(s.context(c), a.user, a.of, a.id, func(v *study.Content) error {
		aid, _, err := library.Read(v.Type, v.Data)
		if err != nil {
			return err
		}
		if it, err = edit(aid); err != nil {
			return err
		}
		v.Data, err = json.Marshal(aid)
		return err
	})
	return it, err
}
