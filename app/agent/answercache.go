package agent

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash"
	"strconv"
	"strings"

	"studysharper/app/agent/prompt"
	"studysharper/app/study"
)

type cachedAnswer struct {
	Data       study.Aid        `json:"data"` // must be an empty aid of the type before decoding
	Validation study.Validation `json:"validation"`
	Warnings   []string         `json:"warnings,omitempty"`
	Model      string           `json:"model"`
	Maker      string           `json:"maker"` // tag of the user it was made for

	Used study.ContextUsed `json:"used"`
}

// answerKey hashes everything that the answer depends on. The key begins with the type, so that an operator can clear
// all answers of one type by a substring. The tag of the user whose notes the answer is made from follows, so that the
// answer is dropped when the notes change.
func (t task) answerKey() string {
	b := t.brief
	o := b.Options
	o.Content = "" // its used part is in the material
	options, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	h := sha256.New()
	hashFields(h, string(b.Type), t.deps.Model.Name(), prompt.Version, strings.Join(strings.Fields(b.Message), " "),
		string(options), b.Material, b.Detail, strings.Join(b.Progress, "; "))
	for _, d := range b.Documents {
		hashFields(h, d.NoteID, d.Title)
		if b.Material == "" {
			hashFields(h, d.Text)
		}
	}
	for _, part := range t.plan.parts[min(1, len(t.plan.parts)):] { // where a long text is split
		hashFields(h, strconv.Itoa(len(part.Material)))
	}
	for _, p := range t.passages {
		hashFields(h, p.NoteID, strconv.Itoa(p.Start))
	}
	hashFields(h, b.Searched, strings.Join(b.Weak, "; "))
	for _, turn := range b.History {
		hashFields(h, turn.Role, turn.Text)
	}
	if len(t.used.Notes) > 0 || len(b.History) > 0 {
		hashFields(h, "user", t.notes.user)
	}
	key := "answer/" + string(b.Type)
	if len(t.used.Notes) > 0 || b.Searched != "" {
		key += UserTag(t.notes.user)
	} else {
		key += "/"
	}
	return key + hex.EncodeToString(h.Sum(nil))
}

// hashFields hashes each part after its length, so that different lists hash differently.
func hashFields(h hash.Hash, parts ...string) {
	for _, part := range parts {
		var size [8]byte
		binary.LittleEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write([]byte(part))
	}
}

// loadAnswer reads the answer from the cache. An entry that is not a valid answer to the brief counts as a miss.
func (t task) loadAnswer(ctx context.Context) (answer, bool) {
	value, age, ok := t.deps.Cache.Get(ctx, t.key)
	if !ok {
		return answer{}, false
	}
	aid := study.NewAid(t.brief.Type)
	c := cachedAnswer{Data: aid}
	if json.Unmarshal(value, &c) != nil || len(aid.Check(t.brief.Options)) > 0 {
		return answer{}, false
	}
	d := &draft{aid: aid, validation: c.Validation, warnings: c.Warnings, model: c.Model, used: c.Used}
	return answer{draft: d, cached: true, maker: c.Maker, age: age}, true
}

// makerTag identifies a user in cached answers.
func makerTag(user string) string {
	sum := sha256.Sum256([]byte(user))
	return hex.EncodeToString(sum[:8])
}

// noteReceived reports whether the user has received this answer before, and records that the user has it now.
// Otherwise a response could reveal that another user asked for the same answer.
func (t task) noteReceived(ctx context.Context, maker string) (before bool) {
	own := makerTag(t.user)
	if own == maker {
		return true
	}
	key := "received/" + own + t.key
	if _, _, before = t.deps.Cache.Get(ctx, key); !before {
		t.deps.Cache.Set(ctx, key, []byte{1})
	}
	return before
}

// cacheAnswer caches an answer that passed its checks. It does not cache an answer that is incomplete, that was only
// partly checked, or whose notes have changed since they were read.
func (t task) cacheAnswer(ctx context.Context, d *draft) {
	if !d.validation.Passed || d.cut != study.NotCut || d.partly || t.notesChanged() {
		return
	}
	value, err := json.Marshal(cachedAnswer{Data: d.aid, Validation: d.validation, Warnings: d.warnings, Model: d.model, Used: d.used, Maker: makerTag(t.user)})
	if err != nil {
		return // saving fails in the same way and reports it
	}
	t.deps.Cache.Set(ctx, t.key, value)
}

// notesChanged reports whether the notes in the material have changed since they were read.
func (t task) notesChanged() bool {
	if len(t.used.Notes) == 0 && t.brief.Searched == "" || !t.notes.known {
		return false
	}
	now, known := t.deps.version(t.notes.user, ResourceNotes)
	return known && now != t.notes.number
}
