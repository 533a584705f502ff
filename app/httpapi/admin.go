package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"

	"studysharper/app/study"
)

// requireAdmin lets only the holder of the admin token pass. The comparison takes
// the same time wherever the token is wrong, and its length does not show.
func (s *Server) requireAdmin(c *fiber.Ctx) error {
	want, got := sha256.Sum256([]byte(s.o.AdminToken)), sha256.Sum256([]byte(adminToken(c)))
	if subtle.ConstantTimeCompare(want[:], got[:]) != 1 || s.o.AdminToken == "" {
		return study.Errorf(study.CodeForbidden, "an admin token is needed")
	}
	return c.Next()
}

// adminToken takes the token from where the client put it.
func adminToken(c *fiber.Ctx) string {
	if bearer, ok := strings.CutPrefix(c.Get(fiber.HeaderAuthorization), "Bearer "); ok {
		return bearer
	}
	if header := c.Get("X-Admin-Token"); header != "" {
		return header
	}
	return c.Query("admin_token")
}

func (s *Server) adminErrors(c *fiber.Ctx) error {
	limit, err := numberOf(c, "limit", 10, maxLimit)
	if err != nil {
		return err
	}
	failures, err := s.o.Store.Failures(s.lifetime, limit)
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"status": "success", "errors": failures, "count": len(failures)})
}

func (s *Server) userActivity(c *fiber.Ctx) error {
	limit, err := limitOf(c)
	if err != nil {
		return err
	}
	user := utils.CopyString(c.Params("user"))
	runs, err := s.o.Store.Activity(s.lifetime, user, limit)
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"status": "success", "user_id": user, "activity": runs, "count": len(runs)})
}

// reload does what the HUP signal does.
func (s *Server) reload(c *fiber.Ctx) error {
	if err := s.o.Reload(); err != nil {
		return study.Wrap(err, study.CodeUnavailable, "the supervisor cannot be reached")
	}
	return c.Status(fiber.StatusAccepted).JSON(fiber.Map{"status": "reloading"})
}

func (s *Server) clearCache(c *fiber.Ctx) error {
	pattern := query(c, "pattern")
	if err := s.o.ClearCaches(pattern); err != nil {
		return study.Wrap(err, study.CodeUnavailable, "the caches cannot be reached")
	}
	return c.JSON(fiber.Map{"status": "success", "pattern": pattern})
}
