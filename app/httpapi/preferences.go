package httpapi

import (
	"github.com/gofiber/fiber/v2"

	"studysharper/app/study"
)

// preferences answers GET /api/ai/preferences with the defaults for what a request leaves open; empty if none are
// saved.
func (s *Server) preferences(c *fiber.Ctx) error {
	user, err := userOf(c, query(c, "user_id"))
	if err != nil {
		return err
	}
	saved, err := s.o.Store.Preferences(s.lifetime, user)
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"status": "success", "preferences": saved})
}

// savePreferences answers PUT /api/ai/preferences: the body replaces all preferences.
func (s *Server) savePreferences(c *fiber.Ctx) error {
	var body struct {
		UserID     string `json:"user_id"`
		Difficulty string `json:"difficulty"`
		Detail     string `json:"detail"`
	}
	if err := study.Decode(c.Request().Body(), &body); err != nil {
		return err
	}
	user, err := userOf(c, body.UserID)
	if err != nil {
		return err
	}
	saved, err := s.o.Store.SavePreferences(s.context(c), study.Preferences{UserID: user, Difficulty: body.Difficulty, Detail: body.Detail})
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"status": "success", "preferences": saved})
}
