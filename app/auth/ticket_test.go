package auth

import (
	"encoding/base64"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	session = "0197a3e4-5b6c-7d8e-9f00-112233445566"
	another = "0197a3e4-5b6c-7d8e-9f00-112233445567"
)

// issue makes a user's ticket for the session.
func issue(t *testing.T, tickets *Tickets, user string) string {
	t.Helper()
	ticket, err := tickets.Issue(t.Context(), session, user)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

func TestATicketOpensItsSessionForItsUserForTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := secretsOf{}
		ticket := issue(t, NewTickets(NewSigner(kept)), "Ännchen")
		other := NewTickets(NewSigner(kept)) // in another worker
		time.Sleep(ticketFor - time.Second)
		if user, ok, err := other.Open(t.Context(), ticket, session); err != nil || !ok || user != "Ännchen" {
			t.Errorf("after almost ten minutes: %q, %v", user, ok)
		}
		time.Sleep(time.Second)
		if user, ok, err := other.Open(t.Context(), ticket, session); err != nil || ok || user != "" {
			t.Errorf("after ten minutes: %q, %v", user, ok)
		}
	})
}

func TestAForgedTicketOpensNothing(t *testing.T) {
	tickets := NewTickets(NewSigner(secretsOf{}))
	ticket := issue(t, tickets, "ann")
	raw, _ := base64.RawURLEncoding.DecodeString(ticket)
	changed := func(i int) string {
		forged := append([]byte{}, raw...)
		forged[i]++
		return base64.RawURLEncoding.EncodeToString(forged)
	}
	for name, tt := range map[string]struct{ ticket, session string }{
		"of another session":    {ticket, another},
		"of no session":         {ticket, ""},
		"of another secret":     {issue(t, NewTickets(NewSigner(secretsOf{})), "ann"), session},
		"a later end":           {changed(0), session},
		"another user":          {changed(4), session},
		"another signature":     {changed(len(raw) - 1), session},
		"cut":                   {ticket[:len(ticket)-4], session},
		"with a tail":           {ticket + "AAAA", session},
		"nothing":               {"", session},
		"a token":               {signed(hmacHead(), good(), hs256(secret)), session},
		"other bits at the end": {ticket[:len(ticket)-1] + string(ticket[len(ticket)-1]+1), session},
		"a megabyte":            {strings.Repeat("A", 1<<20), session},
	} {
		if user, ok, err := tickets.Open(t.Context(), tt.ticket, tt.session); err != nil || ok || user != "" {
			t.Errorf("%s: %q", name, user)
		}
	}
	if user, ok, err := tickets.Open(t.Context(), ticket, session); err != nil || !ok || user != "ann" {
		t.Errorf("the right one: %q, %v", user, ok)
	}
}

func FuzzOpen(f *testing.F) {
	tickets := NewTickets(NewSigner(secretsOf{}))
	f.Add("AAAA", session)
	f.Fuzz(func(t *testing.T, ticket, session string) {
		if user, ok, _ := tickets.Open(t.Context(), ticket, session); ok {
			t.Errorf("%q opens %q for %q", ticket, session, user)
		}
	})
}
