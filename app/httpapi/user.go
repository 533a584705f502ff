package httpapi

import (
	"cmp"
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// realm is what a token is for (RFC 9110, section 11.5).
const realm = `Bearer realm="studysharper"`

// userKey is where a request's user is kept.
type userKey struct{}

// requireUser lets those pass who prove who they are; everyone where there is no user
// authentication. Answers 401 as RFC 6750, section 3, has it.
func (s *Server) requireUser(c *fiber.Ctx) error {
	if s.o.Tokens == nil {
		return c.Next()
	}
	token := userToken(c)
	if token == "" {
		c.Set(fiber.HeaderWWWAuthenticate, realm)
		return study.Errorf(study.CodeUnauthorized, "a bearer token is needed")
	}
	user, err := s.o.Tokens.User(s.lifetime, token)
	if e := study.AsError(err); err != nil && e.Code == study.CodeUnauthorized {
		c.Set(fiber.HeaderWWWAuthenticate, realm+`, error="invalid_token", error_description="`+e.Message+`"`)
	}
	if err != nil {
		return err
	}
	c.Locals(userKey{}, user)
	return c.Next()
}

// userToken takes the token from its header. An EventSource cannot send one, so an
// event stream takes it from the query too (RFC 6750, section 2.3), and nothing else does.
func userToken(c *fiber.Ctx) string {
	if token := bearer(c); token != "" {
		return token
	}
	if (c.Method() == fiber.MethodGet || c.Method() == fiber.MethodHead) && strings.HasPrefix(c.Path(), "/api/ai/stream/") {
		return c.Query("access_token")
	}
	return ""
}

// bearer is the token of the Authorization header; "" = none.
func bearer(c *fiber.Ctx) string {
	scheme, token, _ := strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// authenticated is the user of a request's token; "" where there is no user
// authentication.
func authenticated(c *fiber.Ctx) string {
	user, _ := c.Locals(userKey{}).(string)
	return user
}

// userOf is whom a request is for: its token's user, and it is CodeForbidden to name
// another. Without user authentication it is whom the request names, "" = nobody.
func userOf(c *fiber.Ctx, named string) (string, error) {
	return study.UserOf(authenticated(c), named)
}

// namedUser is userOf for a request that may name its user in the query and in the body. It
// is CodeInvalid to name two.
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

// checkOwner is CodeNotFound for a session that is not the user's ("" = it may be anyone's). Its
// journal says whose it is or, where nobody has posted to it lately, the store; a session that
// neither has is anyone's to begin.
func (s *Server) checkOwner(c *fiber.Ctx, user, session string) error {
	if user == "" {
		return nil
	}
	if err := s.known(c, user, session); !errors.Is(err, errNoSession) {
		return err
	}
	return nil
}

// known is mine, and CodeNotFound for a session that neither the journal nor the store has.
func (s *Server) known(c *fiber.Ctx, user, session string) error {
	found, err := s.o.Journal.Since(s.lifetime, stream.Query{Session: session, Owner: user, Peek: true})
	if err != nil || found.Next != (study.Position{}) {
		return err
	}
	return s.stored(c, user, session)
}

// stored is CodeNotFound for a session that is stored as another user's, or is not stored.
func (s *Server) stored(c *fiber.Ctx, user, session string) error {
	kept, err := s.o.Store.Session(s.context(c), session)
	switch {
	case err != nil && study.AsError(err).Code == study.CodeNotFound:
		return errNoSession
	case err == nil && user != "" && kept.UserID != user:
		return errNotMine
	default:
		return err
	}
}

// errNoSession and errNotMine say the same of what there is not and of what is another
// user's.
var errNoSession = study.Errorf(study.CodeNotFound, "the session does not exist")

var errNotMine = study.Errorf(study.CodeNotFound, "the session does not exist")
