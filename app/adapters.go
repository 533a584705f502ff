package main

import (
	"context"
	"errors"
	"log/slog"

	"studysharper/app/agent/runner"
	"studysharper/app/auth"
	"studysharper/app/config"
	"studysharper/app/httpapi"
	"studysharper/app/stream"
	"studysharper/app/study"
)

// agentJournal adapts a journal to the agents' interface. A run whose journal is lost, because its session was
// deleted for example, is cancelled, since nobody can read its events. A silent run continues: its client waits for
// the answer itself.
type agentJournal struct {
	stream.Journal
	cancel func(run string) bool
}

// Begin opens a run's journal.
func (j *agentJournal) Begin(ctx context.Context, r runner.Run) (runner.Writer, error) {
	info := stream.RunInfo{Session: r.Session, Run: r.ID, Owner: r.Owner, Request: r.Request, Takeover: r.Takeover, Silent: r.Silent}
	if !r.Silent {
		info.OnLost = func(error) { go j.cancel(r.ID) }
	}
	return j.Journal.Begin(ctx, info)
}

// takeOver reruns a dead worker's run, unless a sibling has already begun it. It returns when
// the run no longer needs the request. A prompt never reaches the log.
func takeOver(o stream.Orphan, runs *runner.Runner, log *slog.Logger) {
	req, err := runner.DecodeRequest(o.Request)
	if err == nil {
		err = runs.Takeover(req, o.Run)
	}
	var e *study.Error
	switch {
	case err == nil:
		log.Info("rerunning a request: its worker died", "run", o.Run)
	case errors.As(err, &e) && e.Code == study.CodeNotFound:
		// A sibling has it, or nobody needs it any more.
	default:
		log.Warn("not rerunning a dead worker's request (this worker is full or stopping)", "run", o.Run, "error", err)
	}
}

// newTokens makes the verifier of users' tokens; nil = users are not verified.
func newTokens(c config.Config, keys *auth.KeyStore, log *slog.Logger) httpapi.Tokens {
	accepted := auth.Accepted{Issuer: c.JWTIssuer, Audience: c.JWTAudience}
	switch {
	case c.JWTSecret != "":
		return auth.NewSecret(c.JWTSecret, accepted)
	case c.JWTJWKSURL != "":
		return auth.NewKeySet(auth.KeySetOptions{URL: c.JWTJWKSURL, Store: keys, Log: log}, accepted)
	default:
		return nil
	}
}

// newTickets makes the tickets of event streams; nil = there are none. Their secret must be the same in all instances:
// where the tokens' keys are published, only the admin token is.
func newTickets(c config.Config) httpapi.Tickets {
	secret := c.JWTSecret
	if c.JWTJWKSURL != "" {
		secret = c.AdminToken
	}
	if secret == "" {
		return nil
	}
	return auth.NewTickets(secret)
}
