package auth

import (
	"errors"

	"github.com/golang-jwt/jwt/v5"

	"studysharper/app/study"
)

// reasons describe what is wrong with a token; the first match is used.
var reasons = []struct {
	err   error
	words string
}{
	{jwt.ErrTokenMalformed, "the token is malformed"},
	{jwt.ErrInvalidType, "the token is malformed: a claim has the wrong type"},
	{jwt.ErrTokenUnverifiable, "the token's algorithm is not accepted"},
	{jwt.ErrTokenSignatureInvalid, "the token's signature or algorithm is not accepted"},
	{jwt.ErrTokenExpired, "the token has expired"},
	{jwt.ErrTokenNotValidYet, "the token is not valid yet"},
	{jwt.ErrTokenUsedBeforeIssued, "the token was issued in the future"},
	{jwt.ErrTokenRequiredClaimMissing, "the token does not say when it expires"},
}

// reason replaces the parser's error, which quotes the token.
func reason(err error) error {
	if ours, ok := errors.AsType[*study.Error](err); ok {
		return ours
	}
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return study.Errorf(study.CodeUnauthorized, "%s", r.words)
		}
	}
	return study.Errorf(study.CodeUnauthorized, "the token is not valid")
}
