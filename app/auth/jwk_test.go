package auth

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"testing"
)

func TestUnusableKeysAreLeftOut(t *testing.T) {
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	with := func(k object, name string, value any) object { k[name] = value; return k }
	tests := map[string]any{
		"for encryption":           with(rsaJWK("r"), "use", "enc"),
		"for signing only":         with(rsaJWK("r"), "key_ops", []string{"sign"}),
		"of another algorithm":     with(rsaJWK("r"), "alg", "RS512"),
		"a symmetric one":          object{"kty": "oct", "k": "Y2FuYXJ5", "alg": "HS256"},
		"an RSA key of 1024 bits":  with(rsaJWK("r"), "n", b64(small.N.Bytes())),
		"an RSA key of 8193 bits":  with(rsaJWK("r"), "n", b64(append([]byte{1}, bytes.Repeat([]byte{255}, 1024)...))),
		"an even modulus":          with(rsaJWK("r"), "n", b64(append(rsaKey().N.Bytes(), 0))),
		"an exponent of 1":         with(rsaJWK("r"), "e", "AQ"),
		"an exponent of 33 bits":   with(rsaJWK("r"), "e", b64([]byte{1, 0, 0, 0, 1})),
		"no exponent":              with(rsaJWK("r"), "e", ""),
		"a point not on the curve": with(ecJWK("e"), "y", b64(make([]byte, 32))),
		"a short coordinate":       with(ecJWK("e"), "x", b64(make([]byte, 31))),
		"another curve":            with(ecJWK("e"), "crv", "P-384"),
		"a long Edwards key":       with(edwardsJWK("o"), "x", b64(make([]byte, 33))),
		"no base64":                with(edwardsJWK("o"), "x", "!"),
		"a name that is a number":  with(edwardsJWK("o"), "kid", 1),
		"no object":                7,
	}
	for name, key := range tests {
		got, err := parseKeys(must(json.Marshal(object{"keys": []any{key, ecJWK("good")}})))
		if err != nil || len(got) != 1 || got[0].kid != "good" {
			t.Errorf("%s: %d keys, %v", name, len(got), err)
		}
	}
}

func TestWhatIsNoKeySetIsAnError(t *testing.T) {
	for _, body := range []string{"", "null", "{}", "[]", `{"keys":null}`, `{"keys":{}}`, "<html>", `{"keys":[`} {
		if _, err := parseKeys([]byte(body)); err == nil {
			t.Errorf("%q was taken", body)
		}
	}
	if got, err := parseKeys([]byte(`{"keys":[]}`)); err != nil || len(got) != 0 {
		t.Errorf("a set without keys: %v, %v", got, err)
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add(must(json.Marshal(object{"keys": []any{ecJWK("e"), edwardsJWK("o")}})))
	f.Fuzz(func(t *testing.T, body []byte) {
		keys, err := parseKeys(body)
		for _, k := range keys {
			if err != nil || k.key == nil || k.alg == "" {
				t.Errorf("%q: %+v, %v", body, k, err)
			}
		}
	})
}
