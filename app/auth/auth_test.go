package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"studysharper/app/study"
)

const secret = "canary-secret-of-thirty-two-byte"

// object is a JSON object in a token.
type object map[string]any

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// signed returns a token with this header, these claims, and its signature.
func signed(head, claims object, sign func(text string) []byte) string {
	text := encode(head) + "." + encode(claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign(text))
}

func hs256(key string) func(string) []byte {
	return func(text string) []byte {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
}

// good returns the claims of a token that is valid for an hour, with the given changes.
func good(change ...object) object {
	claims := object{"sub": "ann", "exp": time.Now().Add(time.Hour).Unix()}
	for _, c := range change {
		for name, value := range c {
			claims[name] = value
		}
	}
	return claims
}

func hmacHead(change ...object) object {
	head := object{"typ": "JWT", "alg": "HS256"}
	for _, c := range change {
		for name, value := range c {
			head[name] = value
		}
	}
	return head
}

// in returns the time so many seconds from now, as tokens represent it.
func in(seconds int) int64 { return time.Now().Add(time.Duration(seconds) * time.Second).Unix() }

func TestATokenSignedWithTheSecretTellsItsUser(t *testing.T) {
	v := NewSecret(secret, Accepted{})
	for name, claims := range map[string]object{
		"plain":                            good(),
		"every time in order":              good(object{"nbf": in(-10), "iat": in(-10)}),
		"a clock 20 s ahead of ours":       good(object{"nbf": in(20), "iat": in(20)}),
		"expired 20 s ago":                 good(object{"exp": in(-20)}),
		"an audience, which is not looked": good(object{"aud": "somebody"}),
	} {
		if user, err := v.User(t.Context(), signed(hmacHead(), claims, hs256(secret))); err != nil || user != "ann" {
			t.Errorf("%s: got %q, %v", name, user, err)
		}
	}
}

// refuses checks that a token is CodeUnauthorized, with a reason that reveals nothing of it.
func refuses(t *testing.T, v *Verifier, token, says string) {
	t.Helper()
	user, err := v.User(t.Context(), token)
	e, ok := errors.AsType[*study.Error](err)
	if user != "" || !ok || e.Code != study.CodeUnauthorized || !strings.Contains(e.Message, says) {
		t.Fatalf("got %q, %v; want a refusal that says %q", user, err, says)
	}
	if strings.Contains(err.Error(), "canary") || e.Cause != nil {
		t.Errorf("the error tells of the token: %v", err)
	}
}

func TestForgedAndFaultyTokensAreRefused(t *testing.T) {
	v := NewSecret(secret, Accepted{})
	valid := signed(hmacHead(), good(), hs256(secret))
	parts := strings.Split(valid, ".")
	nothing := func(string) []byte { return nil }
	tests := []struct{ name, token, says string }{
		{"nothing", "", "malformed"},
		{"words", "canary", "malformed"},
		{"two parts", parts[0] + "." + parts[1], "malformed"},
		{"four parts", valid + "." + parts[2], "malformed"},
		{"a head that is not base64", "canary!." + parts[1] + "." + parts[2], "malformed"},
		{"padding", parts[0] + "=." + parts[1] + "." + parts[2], "malformed"},
		{"a head that is not an object", encode("canary") + "." + parts[1] + "." + parts[2], "malformed"},
		{"a head of null", encode(nil) + "." + parts[1] + "." + parts[2], "algorithm"},
		{"claims of null", signedClaims("null"), "when it expires"},
		{"claims that are not an object", signedClaims(`["canary"]`), "malformed"},
		{"alg none", signed(hmacHead(object{"alg": "none"}), good(), nothing), "algorithm"},
		{"alg NonE", signed(hmacHead(object{"alg": "NonE"}), good(), nothing), "algorithm"},
		{"alg none with a signature", signed(hmacHead(object{"alg": "none"}), good(), hs256(secret)), "algorithm"},
		{"no alg", signed(object{"typ": "JWT"}, good(), hs256(secret)), "algorithm"},
		{"an alg that is a list", signed(hmacHead(object{"alg": []string{"HS256"}}), good(), hs256(secret)), "algorithm"},
		{"alg hs256", signed(hmacHead(object{"alg": "hs256"}), good(), hs256(secret)), "algorithm"},
		{"alg HS512", signed(hmacHead(object{"alg": "HS512"}), good(), hs256(secret)), "algorithm"},
		{"alg RS256", signed(hmacHead(object{"alg": "RS256"}), good(), hs256(secret)), "algorithm"},
		{"an alg of the attacker's", signed(hmacHead(object{"alg": "canary"}), good(), hs256(secret)), "algorithm"},
		{"another secret", signed(hmacHead(), good(), hs256("canary")), "signature"},
		{"an empty secret", signed(hmacHead(), good(), hs256("")), "signature"},
		{"no signature", parts[0] + "." + parts[1] + ".", "signature"},
		{"half a signature", valid[:len(valid)-23], "signature"},
		{"other claims under the signature", parts[0] + "." + encode(good(object{"sub": "bob"})) + "." + parts[2], "signature"},
		{"a kid that is a path", signed(hmacHead(object{"kid": "../../../dev/null"}), good(), hs256("")), "signature"},
		{"a kid that is SQL", signed(hmacHead(object{"kid": "' UNION SELECT 'canary"}), good(), hs256("canary")), "signature"},
		{"a kid that is a number", signed(hmacHead(object{"kid": 1}), good(), hs256(secret)), "malformed"},
		{"a key in the head", signed(hmacHead(object{"jwk": object{"kty": "oct", "k": "Y2FuYXJ5"}}), good(), hs256("canary")), "signature"},
		{"a key's address in the head", signed(hmacHead(object{"jku": "https://canary.example/keys"}), good(), hs256("canary")), "signature"},
		{"a certificate's address in the head", signed(hmacHead(object{"x5u": "https://canary.example/cert"}), good(), hs256("canary")), "signature"},
		{"an extension that must be known", signed(hmacHead(object{"crit": []string{"canary"}}), good(), hs256(secret)), "extension"},
		{"expired 31 s ago", signed(hmacHead(), good(object{"exp": in(-31)}), hs256(secret)), "expired"},
		{"no exp", signed(hmacHead(), object{"sub": "ann"}, hs256(secret)), "when it expires"},
		{"an exp of null", signed(hmacHead(), good(object{"exp": nil}), hs256(secret)), "malformed"},
		{"an exp in words", signed(hmacHead(), good(object{"exp": "canary"}), hs256(secret)), "malformed"},
		{"valid from 40 s on", signed(hmacHead(), good(object{"nbf": in(40)}), hs256(secret)), "not valid yet"},
		{"issued in 40 s", signed(hmacHead(), good(object{"iat": in(40)}), hs256(secret)), "in the future"},
		{"an exp that is a number in words", signed(hmacHead(), good(object{"exp": "99999999999"}), hs256(secret)), "malformed"},
		{"an nbf that is a number in words", signed(hmacHead(), good(object{"nbf": "1"}), hs256(secret)), "malformed"},
		{"an Exp", signed(hmacHead(), object{"sub": "ann", "Exp": in(60)}, hs256(secret)), "when it expires"},
		{"a Sub", signed(hmacHead(), object{"Sub": "ann", "exp": in(60)}, hs256(secret)), "subject"},
		{"a sub with a long s", signed(hmacHead(), object{"ſub": "ann", "exp": in(60)}, hs256(secret)), "subject"},
		{"no sub", signed(hmacHead(), object{"exp": in(60)}, hs256(secret)), "subject"},
		{"a blank sub", signed(hmacHead(), good(object{"sub": " "}), hs256(secret)), "subject"},
		{"a sub that is a number", signed(hmacHead(), good(object{"sub": 7}), hs256(secret)), "malformed"},
		{"a sub with NUL", signed(hmacHead(), good(object{"sub": "canary\x00"}), hs256(secret)), "subject"},
		{"a sub one character too long", signed(hmacHead(), good(object{"sub": strings.Repeat("ü", study.MaxIDRunes+1)}), hs256(secret)), "subject"},
		{"a megabyte", strings.Repeat("canary", 1<<20/6), "8192 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { refuses(t, v, tt.token, tt.says) })
	}
}

// signedClaims returns a token with a valid signature over claims that may be any text.
func signedClaims(claims string) string {
	text := encode(hmacHead()) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	return text + "." + base64.RawURLEncoding.EncodeToString(hs256(secret)(text))
}

func TestTheLongestSubjectAndTheLongestTokenAreTaken(t *testing.T) {
	v := NewSecret(secret, Accepted{})
	longest := strings.Repeat("ü", study.MaxIDRunes)
	if user, err := v.User(t.Context(), signed(hmacHead(), good(object{"sub": longest}), hs256(secret))); err != nil || user != longest {
		t.Errorf("a subject of %d characters: %v", study.MaxIDRunes, err)
	}
	// Four characters of a token encode three bytes of its header.
	fill := func(n int) string {
		return signed(hmacHead(object{"x": strings.Repeat("x", n)}), good(), hs256(secret))
	}
	n := 0
	for len(fill(n+1)) <= MaxTokenBytes {
		n += max(1, (MaxTokenBytes-len(fill(n+1)))/2)
	}
	for len(fill(n)) > MaxTokenBytes {
		n--
	}
	if _, err := v.User(t.Context(), fill(n)); err != nil {
		t.Errorf("%d bytes: %v", len(fill(n)), err)
	}
	refuses(t, v, fill(n+2), "8192 bytes")
}

func TestClaimsOfOtherNamesChangeNothing(t *testing.T) {
	v := NewSecret(secret, Accepted{Issuer: "https://id.example", Audience: "study"})
	claims := good(object{"iss": "https://id.example", "aud": "study", "Sub": "bob", "SUB": "bob", "ſub": "bob", "Exp": 1, "Iss": "x", "Aud": "x"})
	if user, err := v.User(t.Context(), signed(hmacHead(), claims, hs256(secret))); err != nil || user != "ann" {
		t.Errorf("%q, %v", user, err)
	}
}

func TestATokenOfAnotherIssuerOrAudienceIsRefused(t *testing.T) {
	v := NewSecret(secret, Accepted{Issuer: "https://id.example", Audience: "study"})
	right := object{"iss": "https://id.example", "aud": []string{"mail", "study"}}
	for name, tt := range map[string]struct {
		change object
		says   string
	}{
		"another issuer":            {object{"iss": "https://evil.example"}, "issuer"},
		"an issuer in other case":   {object{"iss": "https://ID.example"}, "issuer"},
		"no issuer":                 {object{"iss": nil}, "issuer"},
		"an issuer that is a list":  {object{"iss": []string{"https://id.example"}}, "issuer"},
		"another audience":          {object{"aud": "mail"}, "audience"},
		"other audiences":           {object{"aud": []string{"mail", "studying"}}, "audience"},
		"no audience":               {object{"aud": []string{}}, "audience"},
		"an audience of a number":   {object{"aud": 1}, "audience"},
		"an audience with a number": {object{"aud": []any{"study", 1}}, "audience"},
	} {
		t.Run(name, func(t *testing.T) { refuses(t, v, signed(hmacHead(), good(right, tt.change), hs256(secret)), tt.says) })
	}
	refuses(t, v, signed(hmacHead(), good(), hs256(secret)), "issuer")
	if user, err := v.User(t.Context(), signed(hmacHead(), good(right), hs256(secret))); err != nil || user != "ann" {
		t.Errorf("the right ones: %q, %v", user, err)
	}
}

func FuzzUser(f *testing.F) {
	v := NewSecret(secret, Accepted{})
	f.Add(signed(hmacHead(), object{"sub": "ann", "exp": 99}, hs256(secret)))
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, token string) {
		if user, err := v.User(t.Context(), token); err == nil || user != "" {
			t.Errorf("%q is %q's", token, user)
		}
	})
}

func BenchmarkUser(b *testing.B) {
	v := NewSecret(secret, Accepted{})
	token := signed(hmacHead(), good(), hs256(secret))
	for b.Loop() {
		if _, err := v.User(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}
