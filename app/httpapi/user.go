package httpapi

import (
	"cmp"
	"strings"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/study"
)

// realm is the challenge of a 401 (RFC 9110, section 11.5).
const realm = `Bearer realm="studysharper"`

// userKey is where requireUser stores the user.
type userKey struct{}

// requireUser authenticates a request, if users are authenticated: by a bearer token, by an account's cookie or, for a
// stream, by a ticket. It answers 401 as in RFC 6750, section 3.
func (s *Server) requireUser(c *fiber.Ctx) error {
	if s.o.Tokens == nil {
		return c.Next()
	}
	user, err := s.identify(c)
	if err != nil {
		return err
	}
	c.Locals(userKey{}, user)
	if _, err := userOf(c, query(c, "user_id")); err != nil { // also on endpoints that do not use it
		return err
	}
	return c.Next()
}

// identify returns the user of a request.
func (s *Server) identify(c *fiber.Ctx) (string, error) {
	if token := userToken(c); token != "" {
		user, err := s.o.Tokens.User(s.lifetime, token)
		if e := study.AsError(err); err != nil && e.Code == study.CodeUnauthorized {
			c.Set(fiber.HeaderWWWAuthenticate, realm+`, error="invalid_token", error_description="`+e.Message+`"`)
			err = s.wrongToken(c, "token", err)
		}
		return user, err
	}
	if cookie := s.accountCookie(c); s.o.Accounts != nil && cookie != "" {
		if user, err := s.byCookie(c, cookie); err == nil || !study.IsCode(err, study.CodeUnauthorized) {
			return user, err
		}
	}
	if user, ok, err := s.openTicket(c); ok || err != nil {
		return user, err
	}
	c.Set(fiber.HeaderWWWAuthenticate, realm)
	if s.o.Accounts != nil {
		return "", study.Errorf(study.CodeUnauthorized, "sign in: send the study code as a bearer token, or create an account with POST /api/account")
	}
	return "", study.Errorf(study.CodeUnauthorized, "a bearer token is needed")
}

// userToken returns the request's bearer token. An EventSource cannot send headers, so event streams, and nothing else,
// also accept it in the query (RFC 6750, section 2.3).
func userToken(c *fiber.Ctx) string {
	if token := bearer(c); token != "" {
		return token
	}
	if _, isStream := streamAsked(c); isStream {
		return c.Query("access_token")
	}
	return ""
}

// streamAsked returns the session in the path of a request for a stream. It need not be a valid id.
func streamAsked(c *fiber.Ctx) (session string, isStream bool) {
	if c.Method() != fiber.MethodGet && c.Method() != fiber.MethodHead {
		return "", false
	}
	return strings.CutPrefix(c.Path(), "/api/ai/stream/")
}

// openTicket returns the user of a request for an event stream that has a ticket.
func (s *Server) openTicket(c *fiber.Ctx) (user string, ok bool, err error) {
	asked, isStream := streamAsked(c)
	session, valid := study.CanonicalID(asked)
	if ticket := c.Query("ticket"); s.o.Tickets != nil && isStream && valid && ticket != "" {
		return s.o.Tickets.Open(s.lifetime, ticket, session)
	}
	return "", false, nil
}

// streamURL returns the URL of a run's event stream, which only its user can open.
func (s *Server) streamURL(c *fiber.Ctx, session string) string {
	url := "/api/ai/stream/" + session
	user := authenticated(c)
	if user == "" || s.o.Tickets == nil {
		return url
	}
	ticket, err := s.o.Tickets.Issue(s.lifetime, session, user)
	if err != nil { // the run has started, and the stream can be opened with a token too
		s.o.Log.Warn("a stream's ticket cannot be made", "error", err)
		return url
	}
	return url + "?ticket=" + ticket
}

// bearer returns the token of the Authorization header; "" if there is none.
func bearer(c *fiber.Ctx) string {
	scheme, token, _ := strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// authenticated returns the user of a request's token; "" without user authentication.
func authenticated(c *fiber.Ctx) string {
	user, _ := c.Locals(userKey{}).(string)
	return user
}

// userOf returns the user that a request acts for: the token's user, or CodeForbidden if the request names another.
// Without user authentication it is the user that the request names; "" = none.
func userOf(c *fiber.Ctx, named string) (string, error) {
	return study.UserOf(authenticated(c), named)
}

// namedUser is userOf for a request that may name its user in the query and in the body. It returns CodeInvalid if the
// two differ.
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
