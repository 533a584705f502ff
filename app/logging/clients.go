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

	markLen = 8 // bytes of a mark

	// ClientKeySize is how many bytes of shared memory ClientMarks need.
	ClientKeySize = dayLen + keyLen
)

// ClientMarks names clients in the log without their addresses: by a keyed hash whose key is random, changes at midnight
// UTC and is only in the memory that the container's processes share. So one client's lines of a day can be found together,
// and nobody can find the address, or the client's lines of another day, once the key is gone.
type ClientMarks struct {
	section *shm.Section
	today   atomic.Pointer[dayKey]
}

type dayKey struct {
	day uint64 // since 1970
	key [keyLen]byte
}

// NewClientMarks takes a section of ClientKeySize bytes.
func NewClientMarks(section *shm.Section) *ClientMarks { return &ClientMarks{section: section} }

// Mark gives the mark of an address today: 16 hexadecimal digits, or "" where the shared memory cannot be locked.
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

// keyOf gives the key of a day, or of a later one that another process has begun; the first to ask makes it.
func (m *ClientMarks) keyOf(day uint64) *dayKey {
	if m.section.Lock() != nil {
		return nil
	}
	defer m.section.Unlock()
	memory := m.section.Bytes()
	if binary.LittleEndian.Uint64(memory) < day {
		binary.LittleEndian.PutUint64(memory, 0) // a process that dies here leaves no day with half a key
		_, _ = rand.Read(memory[dayLen:ClientKeySize])
		binary.LittleEndian.PutUint64(memory, day)
	}
	return &dayKey{binary.LittleEndian.Uint64(memory), [keyLen]byte(memory[dayLen:ClientKeySize])}
}
