package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync/atomic"
)

// Secrets stores signing keys; see store.Accounts.
type Secrets interface {
	Secret(ctx context.Context, name string, fresh []byte) ([]byte, error)
}

// Signer signs the cookies and tickets that this service issues. Its key is created once and stored in the database, so
// that all processes and instances use the same one. It is read on first use.
type Signer struct {
	store Secrets
	key   atomic.Pointer[[]byte]
}

// NewSigner makes a Signer with a key from the store.
func NewSigner(store Secrets) *Signer { return &Signer{store: store} }

// sign returns a signature over texts for a purpose. Its errors are the store's.
func (s *Signer) sign(ctx context.Context, purpose string, texts ...[]byte) ([]byte, error) {
	key := s.key.Load()
	if key == nil {
		fresh := make([]byte, sha256.Size)
		_, _ = rand.Read(fresh) // it never fails
		kept, err := s.store.Secret(ctx, "signing key", fresh)
		if err != nil {
			return nil, err
		}
		key = &kept
		s.key.Store(key)
	}
	mac := hmac.New(sha256.New, *key)
	for _, text := range append([][]byte{[]byte(purpose)}, texts...) {
		// The length ensures that no other split of the same bytes has the same signature.
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(text)))) //nolint:gosec // of a request's head
		mac.Write(text)
	}
	return mac.Sum(nil), nil
}

// verify reports whether code is a signature over texts.
func (s *Signer) verify(ctx context.Context, code []byte, purpose string, texts ...[]byte) (bool, error) {
	want, err := s.sign(ctx, purpose, texts...)
	return err == nil && hmac.Equal(code, want), err
}
