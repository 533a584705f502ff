package agent

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// UserTagPrefix is in the key of every answer made from a user's notes and of every cached part of a context. Clearing
// the keys that contain it clears all of them.
const UserTagPrefix = "/~"

// UserTag returns the part of a cache key that marks data made from this user's notes. It contains only a hash of the
// user's name.
func UserTag(user string) string { return string(appendUserTag(nil, user)) }

func appendUserTag(key []byte, user string) []byte {
	sum := sha256.Sum256([]byte(user))
	return append(hex.AppendEncode(append(key, UserTagPrefix...), sum[:8]), '/')
}

// cachedPart is a part of the context that may be cached: texts read from one resource of the user.
type cachedPart struct {
	needed   bool
	resource string
	query    []string // the search in the resource
	read     func(context.Context) ([]string, error)
}

// readCached returns a part at once if it is cached and still valid. Otherwise it starts to read the part and caches it
// under the version from before the read.
func (c *contextReader) readCached(ctx context.Context, m cachedPart) *future[[]string] {
	if !m.needed || c.deps.Parts == nil {
		return startFetch(ctx, c, m.needed, m.read)
	}
	number, ok := c.version(m.resource)
	if !ok {
		return startFetch(ctx, c, true, m.read)
	}
	key := c.partKey(m)
	if !c.req.NoCache {
		value, _, _ := c.deps.Parts.Get(ctx, key)
		if texts, ok := decodeTexts(value, number); ok {
			return &future[[]string]{ctx: ctx, done: closedChannel, result: texts}
		}
	}
	return startFetch(ctx, c, true, func(ctx context.Context) ([]string, error) {
		texts, err := m.read(ctx)
		if err == nil && textBytes(texts) <= maxCachedPart {
			c.deps.Parts.Set(ctx, key, encodeTexts(number, texts))
		}
		return texts, err
	})
}

// maxCachedPart limits the total size of a cached part's texts, in bytes. Whole notes may be much longer, but the cost
// of reading them again is small compared with making an aid from them.
const maxCachedPart = 128 << 10

func textBytes(texts []string) (n int) {
	for _, s := range texts {
		n += len(s)
	}
	return n
}

// version returns the version of a resource of the request's user; ok is false if it is unknown.
func (c *contextReader) version(resource string) (number uint64, ok bool) {
	return c.deps.version(c.req.UserID, resource)
}

func (d Deps) version(user, resource string) (number uint64, ok bool) {
	if d.Versions == nil {
		return 0, false
	}
	return d.Versions.Version(user, resource)
}

// partKey does not depend on the version, so that a new value replaces an outdated one.
func (c *contextReader) partKey(m cachedPart) string {
	asked := appendTexts(make([]byte, 0, 256), c.req.UserID)
	sum := sha256.Sum256(appendTexts(asked, m.query...))
	key := append(append(make([]byte, 0, 128), "context/"...), m.resource...)
	return string(hex.AppendEncode(appendUserTag(key, c.req.UserID), sum[:]))
}

// encodeTexts encodes texts together with their version.
func encodeTexts(number uint64, texts []string) []byte {
	size := 8
	for _, s := range texts {
		size += binary.MaxVarintLen32 + len(s)
	}
	return appendTexts(binary.LittleEndian.AppendUint64(make([]byte, 0, size), number), texts...)
}

// appendTexts prefixes each text with its length, so that different lists have different
// encodings.
func appendTexts(value []byte, texts ...string) []byte {
	for _, s := range texts {
		value = append(binary.AppendUvarint(value, uint64(len(s))), s...)
	}
	return value
}

// decodeTexts decodes the output of encodeTexts. It returns ok == false if the version differs or the value is
// malformed.
func decodeTexts(value []byte, number uint64) (texts []string, ok bool) {
	if len(value) < 8 || binary.LittleEndian.Uint64(value) != number {
		return nil, false
	}
	value = value[8:]
	for whole := string(value); len(value) > 0; {
		size, n := binary.Uvarint(value)
		if n <= 0 || size > uint64(len(value)-n) {
			return nil, false
		}
		at := len(whole) - len(value) + n
		texts = append(texts, whole[at:at+int(size)]) //nolint:gosec // within value
		value = value[n+int(size):]                   //nolint:gosec // within value
	}
	return texts, true
}
