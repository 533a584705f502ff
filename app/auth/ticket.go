package auth

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"sync"
	"time"
)

// ticketFor is how long a ticket is valid.
const ticketFor = 10 * time.Minute

// ticketRounds make it slow to guess the secret behind a ticket: 25 ms a guess.
const ticketRounds = 100_000

// Tickets makes and opens tickets, each of which lets one user read one session's events for ten minutes. A ticket may
// stand in a URL, where a token must not: it opens nothing else. Those of all processes with the same secret are alike.
type Tickets struct{ key func() []byte }

// NewTickets derives the key of tickets from a secret, with the first ticket.
func NewTickets(secret string) *Tickets {
	return &Tickets{key: sync.OnceValue(func() []byte {
		key, err := pbkdf2.Key(sha256.New, secret, []byte("studysharper stream ticket"), ticketRounds, sha256.Size)
		if err != nil {
			panic(err) // the lengths are constants
		}
		return key
	})}
}

// Issue makes a ticket of a user for a session.
func (t *Tickets) Issue(session, user string) string {
	text := binary.BigEndian.AppendUint32(nil, uint32(time.Now().Add(ticketFor).Unix())) //nolint:gosec // until 2106
	text = append(text, user...)
	return base64.RawURLEncoding.EncodeToString(append(text, t.sign(session, text)...))
}

// Open gives the user of a ticket; false where it is not one for the session, or has expired.
func (t *Tickets) Open(ticket, session string) (user string, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(ticket)
	const clock = 4 // bytes
	if err != nil || len(raw) <= clock+sha256.Size || len(ticket) > MaxTokenBytes {
		return "", false
	}
	text, sum := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	if !hmac.Equal(sum, t.sign(session, text)) || time.Now().Unix() >= int64(binary.BigEndian.Uint32(text)) {
		return "", false
	}
	return string(text[clock:]), true
}

// sign is the code over a session and what its ticket says. The session's length goes first: no other split of the same
// bytes has the same code.
func (t *Tickets) sign(session string, text []byte) []byte {
	mac := hmac.New(sha256.New, t.key())
	mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(session)))) //nolint:gosec // a UUID
	mac.Write([]byte(session))
	mac.Write(text)
	return mac.Sum(nil)
}
