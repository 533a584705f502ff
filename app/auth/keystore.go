package auth

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"studysharper/app/memory/shm"
)

// KeyStore is where workers store the published keys that they have fetched, for a new worker to use while the issuer
// is unreachable. It is in shared memory and contains only public keys.
type KeyStore struct{ section *shm.Section }

// A store begins with the checksum of the rest, so that data that a dying worker has written partially is not used.
const (
	sumLen  = sha256.Size
	headLen = sumLen + 8 + 4 // checksum, Unix nanoseconds, length

	// KeyStoreSize is the size of the shared memory that a KeyStore needs, in bytes.
	KeyStoreSize = headLen + maxKeyBytes
)

// NewKeyStore returns the store in a section of KeyStoreSize bytes.
func NewKeyStore(section *shm.Section) *KeyStore { return &KeyStore{section} }

// put replaces the stored key set with one that was fetched at this time.
func (s *KeyStore) put(body []byte, at time.Time) error {
	text := make([]byte, headLen, headLen+len(body))
	binary.LittleEndian.PutUint64(text[sumLen:], uint64(at.UnixNano())) //nolint:gosec // and back again
	binary.LittleEndian.PutUint32(text[sumLen+8:], uint32(len(body)))   //nolint:gosec // bounded by maxKeyBytes
	text = append(text, body...)
	sum := sha256.Sum256(text[sumLen:])
	copy(text, sum[:])
	if err := s.section.Lock(); err != nil {
		return err
	}
	defer s.section.Unlock()
	copy(s.section.Bytes(), text)
	return nil
}

// get returns the stored key set; nil if there is no complete one.
func (s *KeyStore) get() (body []byte, at time.Time) {
	if s.section.Lock() != nil {
		return nil, at
	}
	text := slices.Clone(s.section.Bytes())
	s.section.Unlock()
	end := headLen + int(binary.LittleEndian.Uint32(text[sumLen+8:]))
	if end > len(text) || sha256.Sum256(text[sumLen:end]) != [sumLen]byte(text[:sumLen]) {
		return nil, at
	}
	at = time.Unix(0, int64(binary.LittleEndian.Uint64(text[sumLen:]))) //nolint:gosec // as it was put
	return text[headLen:end], at
}
