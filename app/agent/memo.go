package agent

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// Marked is in the key of every answer that is made from some user's notes, and of every
// cached part of a context: whoever clears by it clears them all.
const Marked = "/~"

// MarkOf is in the keys of those that are made from this user's. Of the user's name it
// holds a hash only.
func MarkOf(user string) string { return string(appendMark(nil, user)) }

func appendMark(key []byte, user string) []byte {
	sum := sha256.Sum256([]byte(user))
	return append(hex.AppendEncode(append(key, Marked...), sum[:8]), '/')
}

// memo is a part of the context that may be cached: some texts, read from one part of what
// is kept of the student.
type memo struct {
	wanted bool
	kept   string   // which part, as Revisions tells them apart
	query  []string // what is looked for in it
	read   func(context.Context) ([]string, error)
}

// recollect gives a part at once if it is cached and as good as new, and otherwise begins
// to read it. What was read is cached under the revision that was there before.
func (r *run) recollect(ctx context.Context, m memo) *part[[]string] {
	if !m.wanted || r.Parts == nil {
		return begin(ctx, r, m.wanted, m.read)
	}
	number, ok := r.revision(m.kept)
	if !ok {
		return begin(ctx, r, true, m.read)
	}
	key := r.memoKey(m)
	if !r.req.NoCache {
		value, _, _ := r.Parts.Get(ctx, key)
		if texts, ok := unpack(value, number); ok {
			return &part[[]string]{ctx: ctx, done: over, got: texts}
		}
	}
	return begin(ctx, r, true, func(ctx context.Context) ([]string, error) {
		texts, err := m.read(ctx)
		if err == nil {
			r.Parts.Set(ctx, key, pack(number, texts))
		}
		return texts, err
	})
}

// revision is where a part of what is kept of the student is; ok is false where nobody knows.
func (r *run) revision(kept string) (number uint64, ok bool) {
	if r.Revisions == nil {
		return 0, false
	}
	return r.Revisions.Revision(r.req.UserID, kept)
}

// outdated reports whether notes that the answer is made from have changed since they
// were read.
func (r *run) outdated() bool {
	if r.known.notes == 0 || !r.known.dated {
		return false
	}
	now, known := r.revision(KeptNotes)
	return known && now != r.known.revision
}

// memoKey is the same for every revision, so that what is outdated makes room for what
// takes its place.
func (r *run) memoKey(m memo) string {
	asked := appendTexts(make([]byte, 0, 256), r.req.UserID)
	sum := sha256.Sum256(appendTexts(asked, m.query...))
	key := append(append(make([]byte, 0, 128), "context/"...), m.kept...)
	return string(hex.AppendEncode(appendMark(key, r.req.UserID), sum[:]))
}

// pack writes texts behind the revision that they are of.
func pack(number uint64, texts []string) []byte {
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

// unpack reads what pack wrote. What is of another revision is not there, nor what
// cannot be read.
func unpack(value []byte, number uint64) (texts []string, ok bool) {
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
