package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync/atomic"
)

// Secrets keep what is signed with; see store.Accounts.
type Secrets interface {
	Secret(ctx context.Context, name string, fresh []byte) ([]byte, error)
}

// Signer signs what this service gives out and takes back: cookies and tickets. Its key is made once, kept in the store,
// and so the same in all processes and instances. It is read with the first use.
type Signer struct {
	store Secrets
	key   atomic.Pointer[[]byte]
}

// NewSigner makes a Signer whose key is in a store.
func NewSigner(store Secrets) *Signer { return &Signer{store: store} }

// sign is the code over texts for a purpose. Errors are the store's.
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
		// With its length, no other split of the same bytes has the same code.
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(text)))) //nolint:gosec // of a request's head
		mac.Write(text)
	}
	return mac.Sum(nil), nil
}

// verify reports whether a code is over texts.
func (s *Signer) verify(ctx context.Context, code []byte, purpose string, texts ...[]byte) (bool, error) {
	want, err := s.sign(ctx, purpose, texts...)
	return err == nil && hmac.Equal(code, want), err
}
