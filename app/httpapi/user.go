package httpapi

import (
	"cmp"
	"strings"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/study"
)

// realm is the challenge of a 401 (RFC 9110, section 11.5).
const realm = `Bearer realm="studysharper"`

// userKey is where requireUser puts the user.
type userKey struct{}

// requireUser verifies the bearer token, where there is user authentication; 401 as in RFC 6750, section 3.
func (s *Server) requireUser(c *fiber.Ctx) error {
	if s.o.Tokens == nil {
		return c.Next()
	}
	token := userToken(c)
	if token == "" && s.openTicket(c) {
		return c.Next()
	}
	if token == "" {
		c.Set(fiber.HeaderWWWAuthenticate, realm)
		return study.Errorf(study.CodeUnauthorized, "a bearer token is needed")
	}
	user, err := s.o.Tokens.User(s.lifetime, token)
	if e := study.AsError(err); err != nil && e.Code == study.CodeUnauthorized {
		c.Set(fiber.HeaderWWWAuthenticate, realm+`, error="invalid_token", error_description="`+e.Message+`"`)
		err = s.wrongToken(c, "token", err)
	}
	if err != nil {
		return err
	}
	c.Locals(userKey{}, user)
	return c.Next()
}

// userToken is the request's bearer token. An EventSource cannot send headers, so event streams, and nothing else, take
// it from the query too (RFC 6750, section 2.3).
func userToken(c *fiber.Ctx) string {
	if token := bearer(c); token != "" {
		return token
	}
	if _, isStream := streamAsked(c); isStream {
		return c.Query("access_token")
	}
	return ""
}

// streamAsked is the session whose stream a request is for, which need not be a session's id.
func streamAsked(c *fiber.Ctx) (session string, isStream bool) {
	if c.Method() != fiber.MethodGet && c.Method() != fiber.MethodHead {
		return "", false
	}
	return strings.CutPrefix(c.Path(), "/api/ai/stream/")
}

// openTicket takes the user of a request for an event stream from its ticket.
func (s *Server) openTicket(c *fiber.Ctx) bool {
	asked, isStream := streamAsked(c)
	session, valid := study.CanonicalID(asked)
	if s.o.Tickets == nil || !isStream || !valid {
		return false
	}
	user, ok := s.o.Tickets.Open(c.Query("ticket"), session)
	if ok {
		c.Locals(userKey{}, user)
	}
	return ok
}

// streamURL is where a run's events are to be read, by its user alone.
func (s *Server) streamURL(c *fiber.Ctx, session string) string {
	url := "/api/ai/stream/" + session
	if user := authenticated(c); user != "" && s.o.Tickets != nil {
		url += "?ticket=" + s.o.Tickets.Issue(session, user)
	}
	return url
}

// bearer is the token of the Authorization header; "" = none.
func bearer(c *fiber.Ctx) string {
	scheme, token, _ := strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// authenticated is the user of a request's token; "" without user authentication.
func authenticated(c *fiber.Ctx) string {
	user, _ := c.Locals(userKey{}).(string)
	return user
}

// userOf is the user that a request acts for: its token's, and CodeForbidden where it names another. Without user
// authentication it is the one that the request names; "" = none.
func userOf(c *fiber.Ctx, named string) (string, error) {
	return study.UserOf(authenticated(c), named)
}

// namedUser is userOf for a request that may name its user in the query and in the body; CodeInvalid for two different
// ones.
func namedUser(c *fiber.Ctx, inBody string) (string, error) {
	inQuery := query(c, "user_id")
	if inQuery != "" && inBody != "" && inQuery != inBody && authenticated(c) == "" {
		return "", study.Invalid([]study.Fault{{Field: "user_id", Detail: "must be the same in the query and in the body"}})
	}
	if _, err := userOf(c, inBody); err != nil {
		return "", err
	}
	return userOf(c, cmp.Or(inQuery, inBody))
}
