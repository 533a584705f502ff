package logging

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"sync/atomic"
	"time"

	"studysharper/app/memory/shm"
)

const (
	dayLen = 8
	keyLen = sha256.Size

	markLen = 8 // bytes of a pseudonym

	// ClientKeySize is the size of the shared memory that ClientMarks needs, in bytes.
	ClientKeySize = dayLen + keyLen
)

// ClientMarks gives clients pseudonyms in the log instead of their addresses: a keyed hash whose key is random, changes
// at midnight UTC and exists only in memory that the container's processes share. A client's lines of one day can be
// found together, but once the key is gone, nobody can find the address, or the client's lines of another day.
type ClientMarks struct {
	section *shm.Section
	today   atomic.Pointer[dayKey]
}

type dayKey struct {
	day uint64 // since 1970
	key [keyLen]byte
}

// NewClientMarks returns the ClientMarks in a section of ClientKeySize bytes.
func NewClientMarks(section *shm.Section) *ClientMarks { return &ClientMarks{section: section} }

// Mark returns an address's pseudonym for today: 16 hexadecimal digits, or "" if the shared memory cannot be locked.
func (m *ClientMarks) Mark(address string) string {
	day := uint64(time.Now().Unix()) / (24 * 60 * 60) //nolint:gosec // after 1970
	key := m.today.Load()
	if key == nil || key.day < day {
		if key = m.keyOf(day); key == nil {
			return ""
		}
		m.today.Store(key)
	}
	mac := hmac.New(sha256.New, key.key[:])
	_, _ = mac.Write([]byte(address)) // never fails
	return hex.EncodeToString(mac.Sum(nil)[:markLen])
}

// keyOf returns the key of a day, or of a later day that another process has started. The first caller of a day creates
// the key.
func (m *ClientMarks) keyOf(day uint64) *dayKey {
	if m.section.Lock() != nil {
		return nil
	}
	defer m.section.Unlock()
	memory := m.section.Bytes()
	if binary.LittleEndian.Uint64(memory) < day {
		binary.LittleEndian.PutUint64(memory, 0) // if the process dies here, no day has a partial key
		_, _ = rand.Read(memory[dayLen:ClientKeySize])
		binary.LittleEndian.PutUint64(memory, day)
	}
	return &dayKey{binary.LittleEndian.Uint64(memory), [keyLen]byte(memory[dayLen:ClientKeySize])}
}
