package agent

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// UserTagPrefix is in the key of every answer that is made from some user's notes, and of every
// cached part of a context: whoever clears by it clears them all.
const UserTagPrefix = "/~"

// UserTag is in the keys of those that are made from this user's. Of the user's name it
// holds a hash only.
func UserTag(user string) string { return string(appendUserTag(nil, user)) }

func appendUserTag(key []byte, user string) []byte {
	sum := sha256.Sum256([]byte(user))
	return append(hex.AppendEncode(append(key, UserTagPrefix...), sum[:8]), '/')
}

// cachedPart is a part of the context that may be cached: some texts, read from one part of what
// is kept of the student.
type cachedPart struct {
	needed   bool
	resource string   // which part, as Versions tells them apart
	query    []string // what is looked for in it
	read     func(context.Context) ([]string, error)
}

// readCached returns a part at once if it is cached and still valid, and otherwise begins
// to read it. What was read is cached under the revision that was there before.
func (r *run) readCached(ctx context.Context, m cachedPart) *future[[]string] {
	if !m.needed || r.Parts == nil {
		return startFetch(ctx, r, m.needed, m.read)
	}
	number, ok := r.version(m.resource)
	if !ok {
		return startFetch(ctx, r, true, m.read)
	}
	key := r.partKey(m)
	if !r.req.NoCache {
		value, _, _ := r.Parts.Get(ctx, key)
		if texts, ok := decodeTexts(value, number); ok {
			return &future[[]string]{ctx: ctx, done: closedChannel, got: texts}
		}
	}
	return startFetch(ctx, r, true, func(ctx context.Context) ([]string, error) {
		texts, err := m.read(ctx)
		if err == nil {
			r.Parts.Set(ctx, key, encodeTexts(number, texts))
		}
		return texts, err
	})
}

// version is where a part of what is kept of the student is; ok is false where nobody knows.
func (r *run) version(kept string) (number uint64, ok bool) {
	if r.Versions == nil {
		return 0, false
	}
	return r.Versions.Version(r.req.UserID, kept)
}

// notesChanged reports whether notes that the answer is made from have changed since they
// were read.
func (r *run) notesChanged() bool {
	if r.known.notes == 0 || !r.known.dated {
		return false
	}
	now, known := r.version(ResourceNotes)
	return known && now != r.known.revision
}

// partKey is the same for every revision, so that what is outdated makes room for what
// takes its place.
func (r *run) partKey(m cachedPart) string {
	asked := appendTexts(make([]byte, 0, 256), r.req.UserID)
	sum := sha256.Sum256(appendTexts(asked, m.query...))
	key := append(append(make([]byte, 0, 128), "context/"...), m.resource...)
	return string(hex.AppendEncode(appendUserTag(key, r.req.UserID), sum[:]))
}

// encodeTexts writes texts behind the revision that they are of.
func encodeTexts(number uint64, texts []string) []byte {
	size := 8
	for _, s := range texts {
		size += binary.MaxVarintLen32 + len(s)
	}
	return appendTexts(binary.LittleEndian.AppendUint64(make([]byte, 0, size), number), texts...)
}

// appendTexts writes each text behind its length, so that no two lists look alike.
func appendTexts(value []byte, texts ...string) []byte {
	for _, s := range texts {
		value = append(binary.AppendUvarint(value, uint64(len(s))), s...)
	}
	return value
}

// decodeTexts reads what encodeTexts wrote. What is of another revision is not there, nor what
// cannot be read.
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
