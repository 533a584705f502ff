// Package auth tells whose a bearer token is. The one idea: a token has no say in how
// it is checked. The operator's setting is a secret or the address of public keys, and
// each of the two allows algorithms of its own; what else a token's head names (an
// algorithm, a key's address, a file) is at most looked up among those.
package auth

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"studysharper/app/study"
)

// MaxTokenBytes is the longest token that is looked at.
const MaxTokenBytes = 8 << 10

const (
	leeway   = 30 * time.Second // by how much the issuer's clock may differ from ours
	maxIDLen = study.MaxIDRunes // of a subject, in characters
)

// keys find what a token is checked with.
type keys interface {
	// find gives the key for an algorithm, by the name that the token has for it; "" = none.
	// Errors are *study.Error.
	find(ctx context.Context, kid, alg string) (any, error)
}

// Verifier checks JSON Web Tokens (RFC 7519). It is safe for concurrent use.
type Verifier struct {
	parser *jwt.Parser
	keys   keys
}

// NewSecret makes a Verifier of tokens signed with a shared secret: HS256, nothing else.
func NewSecret(secret string) *Verifier { return newVerifier(staticSecret(secret), "HS256") }

// NewKeySet makes a Verifier of tokens signed with one of the keys that o.URL
// publishes: RS256, ES256 or EdDSA. It asks for them with the first token.
func NewKeySet(o KeySetOptions) *Verifier {
	return newVerifier(newKeySet(o), algRSA, algEC, algEdwards)
}

func newVerifier(k keys, algorithms ...string) *Verifier {
	return &Verifier{keys: k, parser: jwt.NewParser(
		jwt.WithValidMethods(algorithms),
		jwt.WithStrictDecoding(),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway),
	)}
}

// staticSecret is the one key that has no name.
type staticSecret []byte

func (s staticSecret) find(context.Context, string, string) (any, error) { return []byte(s), nil }

// User gives the user a token was issued to, its subject. A token must say when it
// expires; clocks may differ by 30 s. What it is issued for (aud) is not looked at. It
// blocks only while keys are fetched, for 5 s at most. Errors are *study.Error:
// CodeUnauthorized with the reason in words and nothing of the token, CodeUnavailable
// while there are no keys to check it with.
func (v *Verifier) User(ctx context.Context, token string) (string, error) {
	if len(token) > MaxTokenBytes {
		return "", study.Errorf(study.CodeUnauthorized, "the token has more than %d bytes", MaxTokenBytes)
	}
	var claims jwt.RegisteredClaims
	_, err := v.parser.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) { return v.key(ctx, t) })
	if err != nil {
		return "", reason(err)
	}
	return subject(claims.Subject)
}

// key finds the key for a token whose algorithm is one of ours. A head with `crit`
// asks for what we do not know (RFC 7515, section 4.1.11).
func (v *Verifier) key(ctx context.Context, t *jwt.Token) (any, error) {
	if _, critical := t.Header["crit"]; critical {
		return nil, study.Errorf(study.CodeUnauthorized, "the token asks for an extension that is not known")
	}
	kid, ok := t.Header["kid"].(string)
	if _, given := t.Header["kid"]; given && !ok {
		return nil, study.Errorf(study.CodeUnauthorized, "the token is malformed")
	}
	return v.keys.find(ctx, kid, t.Method.Alg())
}

// subject checks the user's id as requests' are checked.
func subject(id string) (string, error) {
	if strings.TrimSpace(id) == "" || strings.ContainsRune(id, 0) || utf8.RuneCountInString(id) > maxIDLen {
		return "", study.Errorf(study.CodeUnauthorized, "the token's subject must have 1 to %d characters", maxIDLen)
	}
	return id, nil
}
