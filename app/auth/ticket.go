package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// ticketFor is how long a ticket is valid.
const ticketFor = 10 * time.Minute

// Tickets makes and opens tickets. A ticket lets one user read one session's events for ten minutes. It may be part of
// a URL, unlike a token, because it opens nothing else.
type Tickets struct{ signer *Signer }

// NewTickets makes Tickets that signer signs.
func NewTickets(signer *Signer) *Tickets { return &Tickets{signer} }

const ticketPurpose = "stream ticket"

// Issue makes a user's ticket for a session. Its errors are the store's.
func (t *Tickets) Issue(ctx context.Context, session, user string) (string, error) {
	text := binary.BigEndian.AppendUint32(nil, uint32(time.Now().Add(ticketFor).Unix())) //nolint:gosec // until 2106
	text = append(text, user...)
	code, err := t.signer.sign(ctx, ticketPurpose, []byte(session), text)
	return base64.RawURLEncoding.EncodeToString(append(text, code...)), err
}

// Open returns the user of a ticket. It returns false if the ticket is not for the session, or has expired.
func (t *Tickets) Open(ctx context.Context, ticket, session string) (user string, ok bool, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(ticket)
	const clock = 4 // bytes
	if err != nil || len(raw) <= clock+sha256.Size || len(ticket) > MaxTokenBytes {
		return "", false, nil //nolint:nilerr // not a ticket, which is no error
	}
	text, code := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	ok, err = t.signer.verify(ctx, code, ticketPurpose, []byte(session), text)
	if !ok || time.Now().Unix() >= int64(binary.BigEndian.Uint32(text)) {
		return "", false, err
	}
	return string(text[clock:]), true, nil
}
