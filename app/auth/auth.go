// Package auth verifies bearer tokens, study codes and cookies. A token does not choose how it is verified: the
// operator sets a secret or the URL of public keys, and each of the two accepts only its own algorithms. Anything else
// that a token's header names (an algorithm, a key's URL, a file) is ignored.
package auth

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"studysharper/app/study"
)

// MaxTokenBytes is the maximum length of a token; longer ones are refused unread.
const MaxTokenBytes = 8 << 10

const (
	leeway   = 30 * time.Second // how much the issuer's clock may differ from ours
	maxIDLen = study.MaxIDRunes // characters of a subject
)

// keys finds the keys that tokens are verified with.
type keys interface {
	// find returns the keys for an algorithm and the kid of a token; "" = the token has no kid. Its errors are
	// *study.Error.
	find(ctx context.Context, kid, alg string) ([]jwt.VerificationKey, error)
	// healthy returns false while the keys' issuer is unreachable.
	healthy() bool
}

// Accepted names the required issuer and audience of tokens; "" = any.
type Accepted struct{ Issuer, Audience string }

// Verifier verifies JSON Web Tokens (RFC 7519). It is safe for concurrent use.
type Verifier struct {
	parser   *jwt.Parser
	keys     keys
	accepted Accepted
}

// NewSecret makes a Verifier for tokens signed with a shared secret: HS256 only.
func NewSecret(secret string, a Accepted) *Verifier {
	return newVerifier(staticSecret(secret), a, "HS256")
}

// NewKeySet makes a Verifier for tokens signed with a key published at o.URL: RS256, ES256 or EdDSA. The keys are
// fetched when the first token arrives.
func NewKeySet(o KeySetOptions, a Accepted) *Verifier {
	return newVerifier(newKeySet(o), a, algRSA, algEC, algEdwards)
}

func newVerifier(k keys, a Accepted, algorithms ...string) *Verifier {
	return &Verifier{keys: k, accepted: a, parser: jwt.NewParser(
		jwt.WithValidMethods(algorithms),
		jwt.WithStrictDecoding(),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway),
	)}
}

// staticSecret is a single key without a kid.
type staticSecret []byte

func (s staticSecret) find(context.Context, string, string) ([]jwt.VerificationKey, error) {
	return []jwt.VerificationKey{[]byte(s)}, nil
}

func (staticSecret) healthy() bool { return true }

// Healthy reports whether tokens can be verified with current keys.
func (v *Verifier) Healthy() bool { return v.keys.healthy() }

// User returns a token's subject. A token must state when it expires; clocks may differ by 30 s. It blocks only while
// keys are fetched, for up to 5 s. Its errors are *study.Error: CodeUnauthorized with a reason that reveals nothing of
// the token, or CodeUnavailable while there are no keys.
func (v *Verifier) User(ctx context.Context, token string) (string, error) {
	if len(token) > MaxTokenBytes {
		return "", study.Errorf(study.CodeUnauthorized, "the token has more than %d bytes", MaxTokenBytes)
	}
	claims := jwt.MapClaims{} // not a struct: encoding/json would accept "Sub" for "sub"
	_, err := v.parser.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) { return v.key(ctx, t) })
	if err != nil {
		return "", reason(err)
	}
	if err := v.accepted.check(claims); err != nil {
		return "", err
	}
	id, err := claims.GetSubject()
	if err != nil {
		return "", reason(err)
	}
	return subject(id)
}

// check checks a token's issuer and audience.
func (a Accepted) check(claims jwt.MapClaims) error {
	if issuer, err := claims.GetIssuer(); a.Issuer != "" && (err != nil || issuer != a.Issuer) {
		return study.Errorf(study.CodeUnauthorized, "the token's issuer is not accepted")
	}
	if audience, err := claims.GetAudience(); a.Audience != "" && (err != nil || !slices.Contains(audience, a.Audience)) {
		return study.Errorf(study.CodeUnauthorized, "the token's audience is not accepted")
	}
	return nil
}

// key returns the key for a token with an accepted algorithm. A header with `crit` requires extensions, none of which
// is supported (RFC 7515, section 4.1.11).
func (v *Verifier) key(ctx context.Context, t *jwt.Token) (any, error) {
	if _, critical := t.Header["crit"]; critical {
		return nil, study.Errorf(study.CodeUnauthorized, "the token requires an unsupported extension")
	}
	kid, ok := t.Header["kid"].(string)
	if _, given := t.Header["kid"]; given && !ok {
		return nil, study.Errorf(study.CodeUnauthorized, "the token is malformed")
	}
	found, err := v.keys.find(ctx, kid, t.Method.Alg())
	return jwt.VerificationKeySet{Keys: found}, err
}

// subject checks the user's id like the user_id of a request.
func subject(id string) (string, error) {
	if strings.TrimSpace(id) == "" || strings.ContainsRune(id, 0) || utf8.RuneCountInString(id) > maxIDLen {
		return "", study.Errorf(study.CodeUnauthorized, "the token's subject must have 1 to %d characters", maxIDLen)
	}
	return id, nil
}
