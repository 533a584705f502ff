package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/store"
	"studysharper/app/study"
)

const (
	keyHeader   = "Idempotency-Key"
	replayed    = "Idempotent-Replayed"
	maxKeyBytes = 128
	claimLease  = 15 * time.Second // how long a key stays claimed after its worker died
	claimExtend = 5 * time.Second  // how often a living worker extends its claim
)

// once executes a handler that writes to the store at most once for each Idempotency-Key: its changes and its answer are
// stored in one transaction. Errors are not stored. A request without a key is handled as usual.
func (s *Server) once(h fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		k, err := idempotencyKey(c)
		if err != nil {
			return err
		}
		if k == nil {
			return h(c)
		}
		defer c.Locals(contextKey{}, nil)
		a, again, err := s.o.Store.Once(s.lifetime, *k, func(ctx context.Context) (store.Answer, error) {
			c.Locals(contextKey{}, ctx)
			err := h(c)
			return answerOf(c), err
		})
		if err != nil || !again {
			return err
		}
		return replay(c, a)
	}
}

// claimed is like once, for handlers that take longer than a transaction: the key is in conflict while the handler
// works, and free again if it fails, or soon after its worker has died.
func (s *Server) claimed(h fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		k, err := idempotencyKey(c)
		if err != nil {
			return err
		}
		if k == nil {
			return h(c)
		}
		claim, kept, err := s.o.Store.ClaimKey(s.lifetime, *k, claimLease)
		if err != nil {
			return err
		}
		if kept != nil {
			return replay(c, *kept)
		}
		stop := s.holdClaim(claim)
		err = h(c)
		stop()
		if err != nil {
			s.claimFailed(s.o.Store.ReleaseClaim(s.lifetime, claim))
			return err
		}
		s.claimFailed(s.o.Store.SettleClaim(s.lifetime, claim, answerOf(c)))
		return nil
	}
}

func (s *Server) claimFailed(err error) {
	if err != nil {
		s.o.Log.Warn("idempotency: an answer cannot be stored", "error", err)
	}
}

// holdClaim extends a claim until stop is called. stop waits until no extension is in progress.
func (s *Server) holdClaim(claim store.Claim) (stop func()) {
	ctx, cancel := context.WithCancel(s.lifetime)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(claimExtend)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := s.o.Store.ExtendClaim(ctx, claim, claimLease); err != nil && ctx.Err() == nil {
					s.claimFailed(err)
				}
			}
		}
	}()
	return func() { cancel(); <-stopped }
}

// contextKey is where once stores the context of its transaction.
type contextKey struct{}

// context returns the context that a handler must use to write to the store.
func (s *Server) context(c *fiber.Ctx) context.Context {
	if ctx, ok := c.Locals(contextKey{}).(context.Context); ok {
		return ctx
	}
	return s.lifetime
}

// idempotencyKey returns a request's key; nil if it has none, or if its user is invalid, which the handler reports.
func idempotencyKey(c *fiber.Ctx) (*store.Key, error) {
	given := c.Request().Header.PeekAll(keyHeader)
	if len(given) == 0 {
		return nil, nil
	}
	if len(given) > 1 || !visible(given[0]) {
		return nil, study.Invalid([]study.Fault{{Field: keyHeader, Detail: "must be one value of 1 to 128 visible ASCII characters"}})
	}
	user := keyUser(c)
	if !utf8.ValidString(user) || strings.ContainsRune(user, 0) || utf8.RuneCountInString(user) > study.MaxIDRunes {
		return nil, nil
	}
	hash := sha256.New()
	for _, part := range [][]byte{[]byte(c.Method()), []byte(" "), c.Request().RequestURI(), []byte("\n"), bodyOf(c)} {
		_, _ = hash.Write(part) // never fails
	}
	return &store.Key{UserID: user, Key: string(given[0]), Fingerprint: hex.EncodeToString(hash.Sum(nil))}, nil
}

// bodyOf returns what identifies a request's body: the body itself, or an uploaded file's digest.
func bodyOf(c *fiber.Ctx) []byte {
	if u := uploadOf(c); u != nil {
		return u.digest
	}
	return c.Request().Body()
}

func visible(key []byte) bool {
	for _, b := range key {
		if b <= ' ' || b > '~' {
			return false
		}
	}
	return len(key) > 0 && len(key) <= maxKeyBytes
}

// keyUser returns the user that a key belongs to: the token's, or else the one named in the query or the body.
func keyUser(c *fiber.Ctx) string {
	if user := authenticated(c); user != "" {
		return user
	}
	if user := query(c, "user_id"); user != "" {
		return user
	}
	var body struct {
		UserID string `json:"user_id"`
	}
	_ = json.Unmarshal(c.Request().Body(), &body) // the handler reports errors in it
	return body.UserID
}

// answerOf returns a handler's answer, to be stored.
func answerOf(c *fiber.Ctx) store.Answer {
	r := c.Response()
	return store.Answer{
		Status: r.StatusCode(), ContentType: string(r.Header.ContentType()),
		Location: string(r.Header.Peek(fiber.HeaderLocation)), Body: r.Body(),
	}
}

// replay repeats the answer to the first request with the key.
func replay(c *fiber.Ctx, a store.Answer) error {
	c.Set(replayed, "true")
	if a.Location != "" {
		c.Set(fiber.HeaderLocation, a.Location)
	}
	if a.Cut {
		return study.Errorf(study.CodeConflict, "the first request with this Idempotency-Key succeeded, but its answer was too large to store")
	}
	if a.Status == fiber.StatusNoContent {
		return c.SendStatus(a.Status)
	}
	c.Status(a.Status).Set(fiber.HeaderContentType, a.ContentType)
	return c.Send(a.Body)
}
