package httpapi

import (
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"

	"studysharper/app/auth"
	"studysharper/app/study"
)

// The cookie of an account. Behind TLS its name binds it to this host (RFC 6265bis, section 4.1.3.2).
const (
	cookieName       = "studysharper"
	secureCookieName = "__Host-studysharper"
	cookieFor        = 400 * 24 * time.Hour // the longest lifetime that browsers accept
)

// routeAccount registers the endpoints that create accounts and sign in and out. None of them accepts an
// Idempotency-Key, because answers that contain a study code must not be stored.
func (s *Server) routeAccount(account router) {
	account.Post("/", s.requireAccounts, s.requireDisk, s.createAccount)
	account.Get("/", s.requireUser, s.account)
	account.Delete("/", s.requireUser, s.claimed(s.deleteAccount))
	account.Get("/export", s.requireUser, s.exportAccount)
	account.Post("/session", s.requireAccounts, s.openAccount)
	account.Post("/code", s.requireAccounts, s.requireUser, s.renewCode)
	account.Get("/sessions", s.requireAccounts, s.requireUser, s.devices)
	account.Delete("/sessions", s.requireAccounts, s.requireUser, s.endDevices)
	account.Delete("/sessions/:session", s.requireAccounts, s.requireUser, s.endDevice)
}

// requireAccounts returns CodeNotFound if users are authenticated in another way.
func (s *Server) requireAccounts(c *fiber.Ctx) error {
	if s.o.Accounts == nil {
		return study.Errorf(study.CodeNotFound, "this server keeps no accounts of its own (AUTH_MODE)")
	}
	return c.Next()
}

// accountCookie returns the account cookie of a request; "" if it has none. Behind TLS it is the cookie that is bound
// to this host: a neighbouring host or an attacker on the network could have set the other one, to make students write
// into someone else's account.
func (s *Server) accountCookie(c *fiber.Ctx) string {
	if secure := c.Cookies(secureCookieName); secure != "" || s.cameByTLS(c) {
		return secure
	}
	return c.Cookies(cookieName)
}

// deviceKey is where byCookie stores a request's device.
type deviceKey struct{}

// device returns the device whose cookie a request was sent with; "" if it had none.
func device(c *fiber.Ctx) string {
	id, _ := c.Locals(deviceKey{}).(string)
	return id
}

// byCookie returns the user of a cookie, and renews the cookie if necessary.
func (s *Server) byCookie(c *fiber.Ctx, cookie string) (string, error) {
	in, err := s.o.Accounts.Cookie(s.lifetime, cookie)
	if err != nil {
		return "", err
	}
	c.Locals(deviceKey{}, in.Device)
	if in.Cookie != "" {
		s.setCookie(c, in.Cookie, cookieFor)
	}
	return in.User, nil
}

// setCookie sets the account cookie; "" with 0 removes it.
func (s *Server) setCookie(c *fiber.Ctx, value string, lasts time.Duration) {
	cookie := fiber.Cookie{Name: cookieName, Value: value, Path: "/", HTTPOnly: true, SameSite: fiber.CookieSameSiteLaxMode,
		MaxAge: int(lasts / time.Second)}
	if s.cameByTLS(c) {
		cookie.Name, cookie.Secure = secureCookieName, true
	}
	if lasts == 0 {
		cookie.Expires = time.Unix(1, 0)
	}
	c.Cookie(&cookie)
}

// signIn answers with an account that is now open on this device.
func (s *Server) signIn(c *fiber.Ctx, status int, user, code string) error {
	in, err := s.o.Accounts.Open(s.lifetime, user, utils.CopyString(c.Get(fiber.HeaderUserAgent)))
	if err != nil {
		return err
	}
	s.setCookie(c, in.Cookie, cookieFor)
	answer := fiber.Map{"status": "success", "user_id": user, "session_id": in.Device}
	if code != "" {
		answer["study_code"] = code
	}
	return c.Status(status).JSON(answer)
}

// createAccount answers POST /api/account with a new account and its study code, which is shown only this once.
func (s *Server) createAccount(c *fiber.Ctx) error {
	if cookie := s.accountCookie(c); cookie != "" {
		if _, err := s.o.Accounts.Cookie(s.lifetime, cookie); err == nil {
			return study.Errorf(study.CodeConflict, "you are already signed in: sign out first")
		}
	}
	if err := s.mayCreateAccount(c); err != nil {
		return err
	}
	user, code, err := s.o.Accounts.Create(s.lifetime)
	if err != nil {
		return err
	}
	return s.signIn(c, fiber.StatusCreated, user, code)
}

// openAccount answers POST /api/account/session: it opens the account of a study code on this device.
func (s *Server) openAccount(c *fiber.Ctx) error {
	var body struct {
		Code string `json:"study_code"`
	}
	if err := study.Decode(c.Request().Body(), &body); err != nil {
		return err
	}
	if err := required(map[string]*string{"study_code": &body.Code}); err != nil {
		return err
	}
	user, err := s.o.Tokens.User(s.lifetime, body.Code)
	if err != nil {
		if study.IsCode(err, study.CodeUnauthorized) {
			c.Set(fiber.HeaderWWWAuthenticate, realm)
			err = s.wrongToken(c, "token", err)
		}
		return err
	}
	earlier, errEarlier := s.o.Accounts.Cookie(s.lifetime, s.accountCookie(c))
	if err := s.signIn(c, fiber.StatusCreated, user, ""); err != nil {
		return err
	}
	if errEarlier == nil { // the account that was open here: its cookie is replaced
		return s.o.Store.EndDevice(s.lifetime, earlier.User, earlier.Device)
	}
	return nil
}

// account answers GET /api/account with the account of the request.
func (s *Server) account(c *fiber.Ctx) error {
	user, err := userOf(c, query(c, "user_id"))
	if err != nil {
		return err
	}
	answer := fiber.Map{"status": "success", "auth_mode": s.o.AuthMode, "user_id": user}
	if id := device(c); id != "" {
		answer["session_id"] = id
	}
	if s.o.Tokens == nil && s.o.Environment == "production" {
		answer["warning"] = "This server does not check who its users are: anyone can read and delete what you keep here."
	}
	if user != "" {
		stored, err := s.o.Store.Holding(s.lifetime, user)
		if err != nil {
			return err
		}
		answer["stored"], answer["quota"] = stored, s.o.Quota
	}
	if s.o.Accounts != nil {
		kept, err := s.o.Store.Account(s.lifetime, user)
		if err != nil {
			return err
		}
		answer["created_at"], answer["code_created_at"] = kept.CreatedAt, kept.CodeAt
	}
	return c.JSON(answer)
}

// renewCode answers POST /api/account/code with a new study code; the previous code becomes invalid.
func (s *Server) renewCode(c *fiber.Ctx) error {
	user := authenticated(c)
	code, err := s.o.Accounts.RenewCode(s.lifetime, user)
	if err != nil {
		return err
	}
	return c.Status(fiber.StatusCreated).JSON(fiber.Map{"status": "success", "user_id": user, "study_code": code})
}

// signedIn is a device in the list of an account's sessions.
type signedIn struct {
	ID        string    `json:"id"`
	Device    string    `json:"device"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"last_seen_at"`
	Current   bool      `json:"current"`
}

// devices answers GET /api/account/sessions.
func (s *Server) devices(c *fiber.Ctx) error {
	all, err := s.o.Store.Devices(s.lifetime, authenticated(c))
	if err != nil {
		return err
	}
	sessions := make([]signedIn, len(all))
	for i, d := range all {
		sessions[i] = signedIn{d.ID, d.Name, d.CreatedAt, d.SeenAt, d.ID == device(c)}
	}
	return listed(c, fiber.Map{"sessions": sessions}, len(sessions), "")
}

// endDevices answers DELETE /api/account/sessions: all devices are signed out or, with ?others=true, all but this one.
func (s *Server) endDevices(c *fiber.Ctx) error {
	except := ""
	switch others := c.Query("others"); others {
	case "true":
		except = device(c)
	case "", "false":
		s.setCookie(c, "", 0)
	default:
		return study.Invalid([]study.Fault{{Field: "others", Detail: "must be true or false"}})
	}
	if err := s.o.Store.EndDevices(s.lifetime, authenticated(c), except); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// endDevice answers DELETE /api/account/sessions/{session}.
func (s *Server) endDevice(c *fiber.Ctx) error {
	id, err := idParam(c, "session")
	if err != nil {
		return err
	}
	if err := s.o.Store.EndDevice(s.lifetime, authenticated(c), id); err != nil {
		return err
	}
	if id == device(c) {
		s.setCookie(c, "", 0)
	}
	return c.SendStatus(fiber.StatusNoContent)
}

var _ Accounts = (*auth.Accounts)(nil)
