package auth

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/study"
)

// The keys of an issuer; made only once, because generating RSA keys is slow.
var (
	rsaKey     = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey      = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	edwardsKey = sync.OnceValue(func() ed25519.PrivateKey {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return must(key, err)
	})
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func rsaJWK(kid string) object {
	return object{"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": b64(rsaKey().N.Bytes()), "e": b64(big.NewInt(int64(rsaKey().E)).Bytes())}
}

func ecJWK(kid string) object {
	point := must(ecKey().PublicKey.Bytes())
	return object{"kty": "EC", "crv": "P-256", "kid": kid, "x": b64(point[1:33]), "y": b64(point[33:])}
}

func edwardsJWK(kid string) object {
	return object{"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": b64(edwardsKey().Public().(ed25519.PublicKey))}
}

func rs256(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return must(rsa.SignPKCS1v15(rand.Reader, rsaKey(), crypto.SHA256, sum[:]))
}

func es256(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, ecKey(), sum[:])
	if err != nil {
		panic(err)
	}
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

func eddsa(text string) []byte { return ed25519.Sign(edwardsKey(), []byte(text)) }

// issuer publishes keys without a network.
type issuer struct {
	mu     sync.Mutex
	keys   []object
	status int           // 0 = unreachable
	body   []byte        // nil = the keys
	slow   time.Duration // delay of the answer
	asked  int
	header http.Header
}

func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked++
	slow := time.NewTimer(i.slow)
	defer slow.Stop()
	select {
	case <-slow.C:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if i.status == 0 {
		return nil, errors.New("connection refused")
	}
	body := i.body
	if body == nil {
		body = must(json.Marshal(object{"keys": i.keys}))
	}
	return &http.Response{StatusCode: i.status, Header: i.header, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
}

// publish sets what the issuer answers from now on.
func (i *issuer) publish(keys ...object) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys, i.status = keys, http.StatusOK
}

func (i *issuer) times() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

// opened returns an issuer and a verifier of its tokens.
func opened(keys ...object) (*issuer, *Verifier, *bytes.Buffer) {
	i, log := &issuer{}, &bytes.Buffer{}
	if keys != nil {
		i.publish(keys...)
	}
	return i, NewKeySet(KeySetOptions{URL: "https://user:canary@issuer.example/keys?canary", Transport: i, Log: slog.New(slog.NewTextHandler(log, nil))}, Accepted{}), log
}

func head(alg, kid string) object {
	h := object{"alg": alg}
	if kid != "" {
		h["kid"] = kid
	}
	return h
}

func TestTokensSignedWithPublishedKeysTellTheirUser(t *testing.T) {
	_, v, _ := opened(rsaJWK("r"), ecJWK("e"), edwardsJWK("o"))
	for name, token := range map[string]string{
		"RS256":             signed(head("RS256", "r"), good(), rs256),
		"ES256":             signed(head("ES256", "e"), good(), es256),
		"EdDSA":             signed(head("EdDSA", "o"), good(), eddsa),
		"without a kid":     signed(head("ES256", ""), good(), es256),
		"its jku is not it": signed(object{"alg": "ES256", "kid": "e", "jku": "https://evil.example"}, good(), es256),
	} {
		if user, err := v.User(t.Context(), token); err != nil || user != "ann" {
			t.Errorf("%s: got %q, %v", name, user, err)
		}
	}
}

func TestPublishedKeysCheckNothingButTheirOwnAlgorithm(t *testing.T) {
	_, v, _ := opened(rsaJWK("r"), ecJWK("e"), edwardsJWK("o"))
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(&rsaKey().PublicKey))})
	modulus := string(rsaKey().N.Bytes())
	tests := []struct{ name, token, says string }{
		{"HS256 by the public key as text", signed(head("HS256", "r"), good(), hs256(string(public))), "algorithm"},
		{"HS256 by the modulus", signed(head("HS256", "r"), good(), hs256(modulus)), "algorithm"},
		{"alg none", signed(head("none", "r"), good(), func(string) []byte { return nil }), "algorithm"},
		{"RS384", signed(head("RS384", "r"), good(), rs256), "algorithm"},
		{"PS256", signed(head("PS256", "r"), good(), rs256), "algorithm"},
		{"RS256 by the name of the EC key", signed(head("RS256", "e"), good(), rs256), "unknown key"},
		{"ES256 of an EdDSA signature", signed(head("ES256", "e"), good(), eddsa), "signature"},
		{"a signature of zeros", signed(head("ES256", "e"), good(), func(string) []byte { return make([]byte, 64) }), "signature"},
		{"a kid that is a path", signed(head("RS256", "../../canary"), good(), rs256), "unknown key"},
		{"a key in the head", signed(object{"alg": "ES256", "kid": "canary", "jwk": ecJWK("canary")}, good(), es256), "unknown key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { refuses(t, v, tt.token, tt.says) })
	}
}

func TestATokenWithoutAKidNeedsTheOnlyKeyOfItsKind(t *testing.T) {
	_, v, _ := opened(ecJWK("a"), ecJWK("b"))
	refuses(t, v, signed(head("ES256", ""), good(), es256), "unknown key")
}

func TestAnUnknownKeyIsAskedForOnceInThirtySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, v, _ := opened(ecJWK("old"))
		for range 5 {
			refuses(t, v, signed(head("RS256", "new"), good(), rs256), "unknown key")
		}
		if i.times() != 1 {
			t.Errorf("asked %d times at once", i.times())
		}
		i.publish(rsaJWK("new"))
		time.Sleep(fetchPause - time.Nanosecond)
		refuses(t, v, signed(head("RS256", "new"), good(), rs256), "unknown key")
		time.Sleep(time.Nanosecond)
		if user, err := v.User(t.Context(), signed(head("RS256", "new"), good(), rs256)); err != nil || user != "ann" {
			t.Errorf("after the pause: %q, %v", user, err)
		}
		if i.times() != 2 {
			t.Errorf("asked %d times in all", i.times())
		}
		refuses(t, v, signed(head("ES256", "old"), good(), es256), "unknown key")
	})
}

func TestWhileTheIssuerIsAwayTheOldKeysStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, v, log := opened(ecJWK("e"))
		for _, fault := range []func(){
			func() {},
			func() { i.status = 0 },
			func() { i.status = 500 },
			func() { i.status, i.body = 302, []byte{} },
			func() { i.status, i.body = 200, []byte("<html>canary") },
			func() { i.body = bytes.Repeat([]byte(" "), maxKeyBytes+1) },
			func() { i.slow = time.Minute },
		} {
			i.mu.Lock()
			fault()
			i.mu.Unlock()
			before := i.times()
			time.Sleep(keysFresh + time.Second)
			for range 3 {
				if _, err := v.User(t.Context(), signed(head("ES256", "e"), good(), es256)); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(fetchWait)
			if i.times() != before+1 {
				t.Errorf("asked %d times", i.times()-before)
			}
		}
		synctest.Wait()
		if n := strings.Count(log.String(), `level=WARN msg="fetching the JSON Web Key Set failed"`); n != 6 || strings.Contains(log.String(), "canary") {
			t.Errorf("%d lines:\n%s", n, log)
		}
	})
}

func TestWithoutAnyKeysYetTokensCannotBeJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, v, _ := opened()
		for range 3 {
			_, err := v.User(t.Context(), signed(head("ES256", "e"), good(), es256))
			if e := study.AsError(err); e.Code != study.CodeUnavailable || e.RetryAfter <= 0 {
				t.Errorf("got %v", err)
			}
		}
		i.publish(ecJWK("e"))
		time.Sleep(fetchSoon)
		if _, err := v.User(t.Context(), signed(head("ES256", "e"), good(), es256)); err != nil || i.times() != 2 {
			t.Errorf("afterwards: %v, asked %d times", err, i.times())
		}
	})
}

func TestACallerThatLeavesDoesNotWaitForTheKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, v, _ := opened(ecJWK("e"))
		i.slow = time.Second
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := v.User(ctx, signed(head("ES256", "e"), good(), es256)); study.AsError(err).Code != study.CodeUnavailable {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if _, err := v.User(t.Context(), signed(head("ES256", "e"), good(), es256)); err != nil || i.times() != 1 {
			t.Errorf("afterwards: %v, asked %d times", err, i.times())
		}
	})
}

func TestAKeySetOfTheLargestSizeIsTaken(t *testing.T) {
	i, v, _ := opened()
	set := must(json.Marshal(object{"keys": []object{ecJWK("e")}}))
	i.status, i.body = 200, append(bytes.Repeat([]byte(" "), maxKeyBytes-len(set)), set...)
	if _, err := v.User(t.Context(), signed(head("ES256", "e"), good(), es256)); err != nil {
		t.Error(err)
	}
}
