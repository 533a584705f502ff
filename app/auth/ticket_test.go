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

func TestATicketOpensItsSessionForItsUserForTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ticket := NewTickets(secret).Issue(session, "Ännchen")
		other := NewTickets(secret) // of another worker
		time.Sleep(ticketFor - time.Second)
		if user, ok := other.Open(ticket, session); !ok || user != "Ännchen" {
			t.Errorf("after almost ten minutes: %q, %v", user, ok)
		}
		time.Sleep(time.Second)
		if user, ok := other.Open(ticket, session); ok || user != "" {
			t.Errorf("after ten minutes: %q, %v", user, ok)
		}
	})
}

func TestAForgedTicketOpensNothing(t *testing.T) {
	tickets := NewTickets(secret)
	ticket := tickets.Issue(session, "ann")
	raw, _ := base64.RawURLEncoding.DecodeString(ticket)
	changed := func(i int) string {
		forged := append([]byte{}, raw...)
		forged[i]++
		return base64.RawURLEncoding.EncodeToString(forged)
	}
	for name, tt := range map[string]struct{ ticket, session string }{
		"of another session":    {ticket, another},
		"of no session":         {ticket, ""},
		"of another secret":     {NewTickets(secret+"x").Issue(session, "ann"), session},
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
		if user, ok := tickets.Open(tt.ticket, tt.session); ok || user != "" {
			t.Errorf("%s: %q", name, user)
		}
	}
	if user, ok := tickets.Open(ticket, session); !ok || user != "ann" {
		t.Errorf("the right one: %q, %v", user, ok)
	}
}

func FuzzOpen(f *testing.F) {
	tickets := NewTickets(secret)
	f.Add("AAAA", session)
	f.Fuzz(func(t *testing.T, ticket, session string) {
		if user, ok := tickets.Open(ticket, session); ok {
			t.Errorf("%q opens %q for %q", ticket, session, user)
		}
	})
}
