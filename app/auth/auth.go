// Package auth verifies bearer tokens. Its main idea: a token does not choose how it is verified. The operator sets a
// secret or the URL of public keys, and each of the two accepts its own algorithms; anything else that a token's head
// names (an algorithm, a key's URL, a file) is ignored.
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
	leeway   = 30 * time.Second // how much the issuer's clock may differ from ours
	maxIDLen = study.MaxIDRunes // characters of a subject
)

// keys find the key that a token is verified with.
type keys interface {
	// find gives the key for an algorithm and the kid of a token; "" = the token has none.
	// Errors are *study.Error.
	find(ctx context.Context, kid, alg string) (any, error)
}

// Verifier verifies JSON Web Tokens (RFC 7519). It is safe for concurrent use.
type Verifier struct {
	parser *jwt.Parser
	keys   keys
}

// NewSecret makes a Verifier of tokens signed with a shared secret: HS256 only.
func NewSecret(secret string) *Verifier { return newVerifier(staticSecret(secret), "HS256") }

// NewKeySet makes a Verifier of tokens signed with a key that o.URL publishes: RS256, ES256 or EdDSA. The keys are
// fetched with the first token.
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

// staticSecret is a single key without a kid.
type staticSecret []byte

func (s staticSecret) find(context.Context, string, string) (any, error) { return []byte(s), nil }

// User gives a token's subject. A token must say when it expires; clocks may differ by 30 s. Its audience is not
// checked. It blocks only while keys are fetched, for 5 s at most. Errors are *study.Error: CodeUnauthorized with the
// reason and nothing of the token, CodeUnavailable while there are no keys.
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

// key finds the key for a token whose algorithm is accepted. A head with `crit` asks for extensions, of which none is
// known (RFC 7515, section 4.1.11).
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

// subject checks the user's id as the user_id of requests is checked.
func subject(id string) (string, error) {
	if strings.TrimSpace(id) == "" || strings.ContainsRune(id, 0) || utf8.RuneCountInString(id) > maxIDLen {
		return "", study.Errorf(study.CodeUnauthorized, "the token's subject must have 1 to %d characters", maxIDLen)
	}
	return id, nil
}
