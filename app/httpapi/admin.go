package httpapi

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"

	"studysharper/app/study"
)

// requireAdmin verifies the admin token. Its duration reveals neither the token's length nor where a wrong token
// differs.
func (s *Server) requireAdmin(c *fiber.Ctx) error {
	given := adminToken(c)
	if given == "" || s.o.AdminToken == "" {
		return errNoAdmin
	}
	if err := s.mayGuess(c); err != nil {
		return err
	}
	want, got := sha256.Sum256([]byte(s.o.AdminToken)), sha256.Sum256([]byte(given))
	if subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return s.wrongToken(c, "admin", errNoAdmin)
	}
	return c.Next()
}

var errNoAdmin = study.Errorf(study.CodeForbidden, "an admin token is needed")

// adminToken returns the token that a client sent. Authorization comes second, because it may contain a user's token.
func adminToken(c *fiber.Ctx) string {
	return cmp.Or(c.Get("X-Admin-Token"), bearer(c), c.Query("admin_token"))
}

func (s *Server) adminErrors(c *fiber.Ctx) error {
	page, err := pageOf(c, 10)
	if err != nil {
		return err
	}
	failures, next, err := s.o.Store.Failures(s.lifetime, page)
	if err != nil {
		return err
	}
	return listed(c, fiber.Map{"errors": failures}, len(failures), next)
}

func (s *Server) userActivity(c *fiber.Ctx) error {
	page, err := pageOf(c, defaultLimit)
	if err != nil {
		return err
	}
	user := utils.CopyString(c.Params("user"))
	runs, next, err := s.o.Store.Activity(s.lifetime, user, page)
	if err != nil {
		return err
	}
	return listed(c, fiber.Map{"user_id": user, "activity": runs}, len(runs), next)
}

// reload does the same as SIGHUP.
func (s *Server) reload(c *fiber.Ctx) error {
	if err := s.o.Fleet.Reload(); err != nil {
		return study.Wrap(err, study.CodeUnavailable, "the supervisor cannot be reached")
	}
	return c.Status(fiber.StatusAccepted).JSON(fiber.Map{"status": "reloading"})
}

func (s *Server) clearCache(c *fiber.Ctx) error {
	pattern := query(c, "pattern")
	if err := s.o.Fleet.ClearCaches(pattern); err != nil {
		return study.Wrap(err, study.CodeUnavailable, "the caches cannot be reached")
	}
	return c.JSON(fiber.Map{"status": "success", "pattern": pattern})
}
