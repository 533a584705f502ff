// Command limit is a minimal program that does what a chat requires of StudySharper: it reads a request with Fiber,
// calls the model once, stores the session, the question, the answer and the run in one SQLite transaction, and
// answers. It checks nothing, limits nothing and recovers from nothing: it shows what the libraries alone cost, as the
// limit to which the service is compared (`make bench-limit`).
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"github.com/valyala/fasthttp"
	_ "modernc.org/sqlite" // the driver
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "limit:", err)
		os.Exit(1)
	}
}

// schema has the tables that a chat writes to, each with the one index that its reader needs.
const schema = `
CREATE TABLE IF NOT EXISTS sessions (id TEXT NOT NULL PRIMARY KEY, user_id TEXT NOT NULL, messages INTEGER NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_by_user ON sessions (user_id, created_at);
CREATE TABLE IF NOT EXISTS messages (num INTEGER PRIMARY KEY, session_id TEXT NOT NULL, id TEXT NOT NULL, role TEXT NOT NULL, content TEXT NOT NULL, created_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS messages_in_order ON messages (session_id, num);
CREATE TABLE IF NOT EXISTS runs (id TEXT NOT NULL PRIMARY KEY, session_id TEXT NOT NULL, user_id TEXT NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS runs_by_user ON runs (user_id, created_at);`

const (
	insertSession = "INSERT INTO sessions (id, user_id, messages, created_at) VALUES (?, ?, 2, ?)"
	insertMessage = "INSERT INTO messages (session_id, id, role, content, created_at) VALUES (?, ?, ?, ?, ?)"
	insertRun     = "INSERT INTO runs (id, session_id, user_id, created_at) VALUES (?, ?, ?, ?)"
)

// server is the whole program.
type server struct {
	db    *sql.DB
	model *fasthttp.HostClient
	url   string
}

func run() error {
	path := strings.TrimPrefix(os.Getenv("DATABASE_URL"), "sqlite:")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_txlock=immediate")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(context.Background(), schema); err != nil {
		return err
	}
	base, err := url.Parse(os.Getenv("LLM_BASE_URL"))
	if err != nil {
		return err
	}
	s := &server{db: db, model: &fasthttp.HostClient{Addr: base.Host, MaxConns: 64}, url: base.String() + "/chat/completions"}
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/readyz", func(c *fiber.Ctx) error { return c.SendString("ready") })
	app.Post("/api/ai/agent-test", s.chat)
	return errors.Join(app.Listen(net.JoinHostPort(os.Getenv("HOST"), os.Getenv("PORT"))), db.Close())
}

type request struct {
	UserID  string `json:"user_id"`
	Message string `json:"message"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type completion struct {
	Choices []struct {
		Message message `json:"message"`
	} `json:"choices"`
}

func (s *server) chat(c *fiber.Ctx) error {
	var r request
	if err := json.Unmarshal(c.Body(), &r); err != nil {
		return err
	}
	answer, err := s.ask(r.Message)
	if err != nil {
		return err
	}
	session := newID()
	if err := s.keep(c.Context(), session, r, answer); err != nil {
		return err
	}
	return c.JSON(fiber.Map{"status": "success", "session_id": session, "result": fiber.Map{"data": fiber.Map{"response": answer}}})
}

// ask calls the model.
func (s *server) ask(question string) (string, error) {
	body, err := json.Marshal(map[string]any{"model": "m", "messages": []message{{"system", "Answer."}, {"user", question}}})
	if err != nil {
		return "", err
	}
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI(s.url)
	req.Header.SetMethod(fasthttp.MethodPost)
	req.Header.SetContentType("application/json")
	req.SetBody(body)
	if err := s.model.Do(req, resp); err != nil {
		return "", err
	}
	var answer completion
	if err := json.Unmarshal(resp.Body(), &answer); err != nil {
		return "", err
	}
	if len(answer.Choices) == 0 {
		return "", errors.New("the model gave no answer")
	}
	return answer.Choices[0].Message.Content, nil
}

// keep stores a run and its messages.
func (s *server) keep(ctx context.Context, session string, r request, answer string) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	now := time.Now().UnixMicro()
	if _, err := tx.ExecContext(ctx, insertSession, session, r.UserID, now); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, insertRun, newID(), session, r.UserID, now); err != nil {
		return err
	}
	for _, m := range []message{{"user", r.Message}, {"assistant", answer}} {
		if _, err := tx.ExecContext(ctx, insertMessage, session, newID(), m.Role, m.Content, now); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// newID returns a UUID v7, like the service's, so that rows created at the same time are adjacent.
func newID() string { return uuid.Must(uuid.NewV7()).String() }
