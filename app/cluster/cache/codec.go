package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"github.com/klauspost/compress/s2"
)

// An encoded value in Redis has a header that proves its integrity:
//
//	 0  format, codecVersion
//	 1  flags: 1 = the body is an S2 block
//	 2  CRC-32C of everything else, including the two bytes before it
//	 6  the first eight bytes of the key's SHA-256
//	14  the TTL that it was stored with, in milliseconds
//	22  the body
//
// The age follows from the TTL that Redis reports, so the clocks of the instances need not agree.
const (
	codecVersion    = 1
	codecCompressed = 1
	codecHeader     = 22
	compressAbove   = 4 << 10 // bytes; compressing smaller values does not pay
)

var (
	errCorrupt = errors.New("not what was set under this key")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// encode returns value with its header, compressed if that makes it smaller.
func encode(key string, value []byte, life time.Duration) []byte {
	b := make([]byte, codecHeader, codecHeader+len(value))
	b[0] = codecVersion
	body := value
	if len(value) > compressAbove {
		if packed := s2.EncodeBetter(nil, value); len(packed) < len(value) {
			b[1] = codecCompressed
			body = packed
		}
	}
	copy(b[6:], keyHash(key))
	binary.BigEndian.PutUint64(b[14:], uint64(life.Milliseconds()))
	b = append(b, body...)
	binary.BigEndian.PutUint32(b[2:], checksum(b))
	return b
}

// decode returns a copy of the value that was encoded for key, at most most bytes long, and the TTL that it was stored
// with. For anything else it returns errCorrupt, without allocating more than most bytes.
func decode(key string, b []byte, most int) (value []byte, life time.Duration, err error) {
	if len(b) < codecHeader || b[0] != codecVersion || b[1]&^codecCompressed != 0 ||
		binary.BigEndian.Uint32(b[2:]) != checksum(b) || !bytes.Equal(b[6:14], keyHash(key)) {
		return nil, 0, errCorrupt
	}
	life = time.Duration(binary.BigEndian.Uint64(b[14:])) * time.Millisecond //nolint:gosec // summed
	body := b[codecHeader:]
	if b[1] == 0 {
		if len(body) > most {
			return nil, 0, errCorrupt
		}
		return bytes.Clone(body), life, nil
	}
	if size, err := s2.DecodedLen(body); err != nil || size > most {
		return nil, 0, errCorrupt
	}
	if value, err = s2.Decode(nil, body); err != nil {
		return nil, 0, errCorrupt
	}
	return value, life, nil
}

func checksum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:2], castagnoli), castagnoli, b[6:])
}

func keyHash(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:8]
}
