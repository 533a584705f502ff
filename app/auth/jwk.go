package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"slices"
)

// The algorithms of published keys, one for each key type.
const (
	algRSA     = "RS256"
	algEC      = "ES256"
	algEdwards = "EdDSA"
)

// The accepted sizes of an RSA key: smaller ones can be broken, larger ones make verification expensive.
const (
	minRSABits = 2048
	maxRSABits = 8192
	maxRSAExp  = 1<<31 - 1
)

// publicKey is a key that tokens are verified with.
type publicKey struct {
	kid string // "" = none
	alg string
	key any // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// jwk is a JSON Web Key (RFC 7517). Private parts are ignored.
type jwk struct {
	Kind       string   `json:"kty"`
	ID         string   `json:"kid"`
	Use        string   `json:"use"`
	Operations []string `json:"key_ops"`
	Algorithm  string   `json:"alg"`
	Curve      string   `json:"crv"`
	N          string   `json:"n"`
	E          string   `json:"e"`
	X          string   `json:"x"`
	Y          string   `json:"y"`
}

var (
	errNoKeySet  = errors.New("the answer is not a JSON Web Key Set")
	errNotUsable = errors.New("the key is not usable")
	errNoKeys    = errors.New("the JSON Web Key Set has no usable key")
)

// parseKeys parses a JSON Web Key Set. Keys of other types, for other uses, or with invalid parts are ignored, as RFC
// 7517, section 5, requires.
func parseKeys(body []byte) ([]publicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(body, &set) != nil || set.Keys == nil {
		return nil, errNoKeySet
	}
	usable := make([]publicKey, 0, len(set.Keys))
	for _, raw := range set.Keys {
		var k jwk
		if json.Unmarshal(raw, &k) != nil {
			continue
		}
		if key, err := k.public(); err == nil {
			usable = append(usable, key)
		}
	}
	return usable, nil
}

func (k jwk) public() (publicKey, error) {
	if (k.Use != "" && k.Use != "sig") || (k.Operations != nil && !slices.Contains(k.Operations, "verify")) {
		return publicKey{}, errNotUsable
	}
	p := publicKey{kid: k.ID}
	var err error
	switch {
	case k.Kind == "RSA":
		p.alg = algRSA
		p.key, err = k.rsa()
	case k.Kind == "EC" && k.Curve == "P-256":
		p.alg = algEC
		p.key, err = k.ec()
	case k.Kind == "OKP" && k.Curve == "Ed25519":
		p.alg = algEdwards
		p.key, err = k.edwards()
	default:
		err = errNotUsable
	}
	if k.Algorithm != "" && k.Algorithm != p.alg {
		err = errNotUsable
	}
	return p, err
}

func (k jwk) rsa() (any, error) {
	n, e := number(k.N), number(k.E)
	if n.BitLen() < minRSABits || n.BitLen() > maxRSABits || n.Bit(0) == 0 {
		return nil, errNotUsable
	}
	if !e.IsInt64() || e.Int64() < 3 || e.Int64() > maxRSAExp || e.Bit(0) == 0 {
		return nil, errNotUsable
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

func (k jwk) ec() (any, error) {
	const half = 32 // bytes of a coordinate
	x, y := decodeBase64(k.X), decodeBase64(k.Y)
	if len(x) != half || len(y) != half {
		return nil, errNotUsable
	}
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
}

func (k jwk) edwards() (any, error) {
	x := decodeBase64(k.X)
	if len(x) != ed25519.PublicKeySize {
		return nil, errNotUsable
	}
	return ed25519.PublicKey(x), nil
}

// decodeBase64 decodes base64url without padding; it returns nil for any other text.
func decodeBase64(text string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return b
}

func number(text string) *big.Int { return new(big.Int).SetBytes(decodeBase64(text)) }
