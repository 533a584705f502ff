package auth

import (
	"crypto/sha256"
	"encoding/binary"
	"os"
	"time"

	"studysharper/app/memfile"
)

// KeyStore is where a worker leaves the keys it has had for those after it: while the
// issuer is away, a new worker has the old ones. It is a memory file that all processes
// of a container share, of 256 KiB at most, and holds public keys only.
type KeyStore struct{ file *os.File }

// Of what is in a store the first part is the checksum of the rest: two workers that
// write at once, or one that dies over it, leave nothing that would be read.
const (
	shelfSum  = sha256.Size
	shelfHead = shelfSum + 8 + 4 // checksum, Unix nanoseconds, length
)

// OpenKeyStore makes an empty store in an anonymous memory file.
func OpenKeyStore() (*KeyStore, error) {
	file, err := memfile.Open("keys", 0)
	if err != nil {
		return nil, err
	}
	return AttachKeyStore(file), nil
}

// AttachKeyStore takes a store from a file that OpenKeyStore made; the store owns it.
func AttachKeyStore(file *os.File) *KeyStore { return &KeyStore{file} }

// File is what a worker's process inherits to AttachKeyStore.
func (s *KeyStore) File() *os.File { return s.file }

// Close closes this process's end.
func (s *KeyStore) Close() error { return s.file.Close() }

// put leaves a key set, had at a moment, in the place of what was there.
func (s *KeyStore) put(body []byte, at time.Time) error {
	text := make([]byte, shelfHead, shelfHead+len(body))
	binary.LittleEndian.PutUint64(text[shelfSum:], uint64(at.UnixNano())) //nolint:gosec // and back again
	binary.LittleEndian.PutUint32(text[shelfSum+8:], uint32(len(body)))   //nolint:gosec // bounded by maxKeyBytes
	text = append(text, body...)
	sum := sha256.Sum256(text[shelfSum:])
	copy(text, sum[:])
	_, err := s.file.WriteAt(text, 0)
	return err
}

// get gives what lies there; nil = nothing that is whole.
func (s *KeyStore) get() (body []byte, at time.Time) {
	text := make([]byte, shelfHead+maxKeyBytes)
	n, _ := s.file.ReadAt(text, 0) // it ends before it is full
	if n < shelfHead {
		return nil, at
	}
	end := shelfHead + int(binary.LittleEndian.Uint32(text[shelfSum+8:]))
	if end > n || sha256.Sum256(text[shelfSum:end]) != [shelfSum]byte(text[:shelfSum]) {
		return nil, at
	}
	at = time.Unix(0, int64(binary.LittleEndian.Uint64(text[shelfSum:]))) //nolint:gosec // as it was put
	return text[shelfHead:end], at
}
