package httpapi

import (
	"errors"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/stream"
	"studysharper/app/study"
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

// deleteSession ends a session: it removes its streams, its journal and its stored conversation.
func (s *Server) deleteSession(c *fiber.Ctx) error {
	session, err := idParam(c, "session")
	if err != nil {
		return err
	}
	user, err := userOf(c, query(c, "user_id"))
	if err != nil {
		return err
	}
	if err := s.checkOwner(c, user, session); err != nil {
		return err
	}
	stored := s.o.Store.DeleteSession(s.context(c), session)
	dropped := s.o.Journal.Drop(s.lifetime, session)
	if err := unlessFound(stored, dropped); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// unlessFound joins the errors of two deletions. It returns CodeNotFound only if neither place had the thing.
func unlessFound(a, b error) error {
	missing := func(err error) bool { return err != nil && study.AsError(err).Code == study.CodeNotFound }
	switch {
	case missing(a):
		return b
	case missing(b):
		return a
	default:
		return errors.Join(a, b)
	}
}

// checkOwner returns CodeNotFound for another user's session; user "" accepts any session. The owner is known to the
// journal or, if the session has had no recent requests, to the store. Anyone may start a session that neither has.
func (s *Server) checkOwner(c *fiber.Ctx, user, session string) error {
	if user == "" {
		return nil
	}
	if err := s.known(c, user, session); !errors.Is(err, errNoSession) {
		return err
	}
	return nil
}

// known is like checkOwner, and also returns CodeNotFound for a session that neither the journal nor the store has.
func (s *Server) known(c *fiber.Ctx, user, session string) error {
	found, err := s.o.Journal.Since(s.lifetime, stream.Query{Session: session, Owner: user, Peek: true})
	if err != nil || found.Next != (study.Position{}) {
		return err
	}
	return s.stored(c, user, session)
}

// stored returns CodeNotFound for a session that the store does not have, or has as another user's.
func (s *Server) stored(c *fiber.Ctx, user, session string) error {
	saved, err := s.o.Store.Session(s.context(c), session)
	switch {
	case err != nil && study.AsError(err).Code == study.CodeNotFound:
		return errNoSession
	case err == nil && user != "" && saved.UserID != user:
		return errNotMine
	default:
		return err
	}
}

// errNoSession and errNotMine look the same to clients, which must not learn whether another user's session exists.
var (
	errNoSession = study.Errorf(study.CodeNotFound, "the session does not exist")
	errNotMine   = study.Errorf(study.CodeNotFound, "the session does not exist")
)
