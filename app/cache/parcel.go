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

// A parcel is a value as it lies in Redis, behind what is needed to trust it:
//
//	 0  format, parcelFormat
//	 1  flags: 1 = the body is an S2 block
//	 2  CRC-32C of all the rest, those two bytes included
//	 6  the first eight bytes of the key's SHA-256
//	14  how long it was to live, in milliseconds
//	22  the body
//
// Ages follow from the time that Redis says is left, so the clocks of the instances
// need not agree.
const (
	parcelFormat = 1
	parcelPacked = 1
	parcelHead   = 22
	packAbove    = 4 << 10 // bytes; smaller values are not worth the work
)

var (
	errBroken  = errors.New("not what was set under this key")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// wrap makes the parcel of a value. A value that packing does not make smaller stays as it is.
func wrap(key string, value []byte, life time.Duration) []byte {
	b := make([]byte, parcelHead, parcelHead+len(value))
	b[0] = parcelFormat
	body := value
	if len(value) > packAbove {
		if packed := s2.EncodeBetter(nil, value); len(packed) < len(value) {
			b[1] = parcelPacked
			body = packed
		}
	}
	copy(b[6:], keyMark(key))
	binary.BigEndian.PutUint64(b[14:], uint64(life.Milliseconds()))
	b = append(b, body...)
	binary.BigEndian.PutUint32(b[2:], parcelSum(b))
	return b
}

// unwrap gives a copy of the value in a parcel of the key, of most bytes at most, and how
// long it was to live. Any other bytes are errBroken, and cost no more memory than that.
func unwrap(key string, b []byte, most int) (value []byte, life time.Duration, err error) {
	if len(b) < parcelHead || b[0] != parcelFormat || b[1]&^parcelPacked != 0 ||
		binary.BigEndian.Uint32(b[2:]) != parcelSum(b) || !bytes.Equal(b[6:14], keyMark(key)) {
		return nil, 0, errBroken
	}
	life = time.Duration(binary.BigEndian.Uint64(b[14:])) * time.Millisecond //nolint:gosec // summed
	body := b[parcelHead:]
	if b[1] == 0 {
		if len(body) > most {
			return nil, 0, errBroken
		}
		return bytes.Clone(body), life, nil
	}
	if size, err := s2.DecodedLen(body); err != nil || size > most {
		return nil, 0, errBroken
	}
	if value, err = s2.Decode(nil, body); err != nil {
		return nil, 0, errBroken
	}
	return value, life, nil
}

func parcelSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:2], castagnoli), castagnoli, b[6:])
}

func keyMark(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:8]
}
