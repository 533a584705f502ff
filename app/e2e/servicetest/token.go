package servicetest

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// JWTSecret signs the tokens of tests. Every secret of a test contains the word canary, which must not appear in a log.
const JWTSecret = "canary-secret-of-thirty-two-bytes"

// TokenOf returns a token of a user that is valid for an hour.
func TokenOf(t *testing.T, user string, method jwt.SigningMethod, key any) string {
	t.Helper()
	unsigned := jwt.NewWithClaims(method, jwt.MapClaims{"sub": user, "exp": time.Now().Add(time.Hour).Unix()})
	unsigned.Header["kid"] = "canary-kid"
	token, err := unsigned.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}
