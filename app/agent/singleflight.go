package agent

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash"
	"strings"
	"time"

	"studysharper/app/agent/prompt"
	"studysharper/app/study"
)

// call is one answer being made, in a goroutine of its own, and those who wait for
// it. It lives as long as one of them does, whoever began it.
type call struct {
	key     string
	signals chan signal   // to the leader, who began it; unbuffered
	alone   chan struct{} // closed when the leader no longer listens
	done    chan struct{} // closed when made, tokens and err are set
	cancel  context.CancelCauseFunc
	waiters int // guarded by Orchestrator.mu

	made   *draft
	tokens int
	err    error
}

// signal is a step reached, a wait that the AI service asked for, or a piece of a chat's text.
type signal struct {
	step  int
	wait  time.Duration
	token string
}

// coalesce gives the answer to the brief: from the cache, from another run that is
// just making it, or made now.
func (r *run) coalesce(ctx context.Context) (*result, error) {
	r.key = r.keyOf()
	key := r.key
	if !r.req.NoCache {
		if got, ok := r.loadAnswer(ctx, key); ok {
			r.model = got.model
			r.emitWhole(got.draft)
			return got, nil
		}
	}
	f, leads := r.join(ctx, key)
	defer r.leave(f)
	m, err := r.await(ctx, f, leads)
	if leads && closed(f) {
		r.tokens = f.tokens
	}
	if err != nil {
		return nil, err
	}
	r.model, r.cut = m.model, m.cut
	if !leads {
		r.emitWhole(m)
	}
	return &result{draft: m}, nil
}

// result is an answer and where it came from.
type result struct {
	*draft
	cached bool
	age    time.Duration
}

// emitWhole tells a chat's text in one token, where it was not streamed to this run.
func (r *run) emitWhole(m *draft) {
	if reply, ok := m.aid.(*study.Reply); ok && r.watch.token != nil {
		r.watch.token(reply.Response)
	}
}

// join finds the call that makes the answer, or begins one. Who wants nothing from
// the cache wants nothing begun earlier either.
func (r *run) join(ctx context.Context, key string) (f *call, leads bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f = r.flights[key]; f != nil && !r.req.NoCache {
		f.waiters++
		return f, false
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	f = &call{key: key, cancel: cancel, waiters: 1,
		signals: make(chan signal), alone: make(chan struct{}), done: make(chan struct{})}
	if r.flights[key] == nil {
		r.flights[key] = f
	}
	go r.do(ctx, f)
	return f, true
}

// leave is called once by each who joined; the last one ends the call.
func (r *run) leave(f *call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		r.forget(f)
		f.cancel(nil)
	}
}

// forget takes a call off the list; mu is held.
func (o *Orchestrator) forget(f *call) {
	if o.flights[f.key] == f {
		delete(o.flights, f.key)
	}
}

// await waits for the call's end or ctx's. The leader tells what it hears
// meanwhile, on its own goroutine.
func (r *run) await(ctx context.Context, f *call, leads bool) (*draft, error) {
	var signals chan signal
	if leads {
		signals = f.signals
		defer close(f.alone)
	}
	for {
		select {
		case s := <-signals:
			switch {
			case s.step > 0:
				r.emitProgress(s.step)
			case s.wait > 0:
				r.tellWait(s.wait)
			default:
				r.watch.token(s.token)
			}
		case <-f.done:
			return f.made, f.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// do makes the answer, within AnswerTimeout, and keeps it in the cache if it passed.
// It is cached before anyone has it, so that who asks again finds it.
func (r *run) do(ctx context.Context, f *call) {
	defer func() {
		r.mu.Lock()
		r.forget(f)
		r.mu.Unlock()
		close(f.done)
	}()
	defer recoverPanic(r.Log, r.id, &f.err)
	late := study.Errorf(study.CodeTimeout, "the answer took longer than it may")
	ctx, cancel := context.WithTimeoutCause(ctx, r.o.AnswerTimeout, late)
	defer cancel()
	send := func(s signal) {
		select {
		case f.signals <- s:
		case <-f.alone:
		}
	}
	h := hooks{step: func(n int) { send(signal{step: n}) }, wait: func(d time.Duration) { send(signal{wait: d}) }}
	if r.watch.token != nil {
		h.token = func(text string) { send(signal{token: text}) }
	}
	f.made, f.tokens, f.err = r.generateOnce(ctx, f.key, h)
	f.err = classifyEnd(ctx, f.err)
}

func closed(f *call) bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// cached is an answer as the cache holds it.
type cached struct {
	Data       json.RawMessage  `json:"data"`
	Validation study.Validation `json:"validation"`
	Warnings   []string         `json:"warnings,omitempty"`
	Model      string           `json:"model"`
}

// keyOf names everything the answer depends on. It begins with the type, so that an
// operator can empty the cache of one type by a part of the key; whose notes it is made
// from follows, so that it can be dropped when they change.
func (r *run) keyOf() string {
	b := r.brief
	o := b.Options
	o.Content = "" // it is in the material, as far as it is used
	options, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	h := sha256.New()
	hashFields(h, string(b.Type), r.Model.Name(), prompt.Version, strings.Join(strings.Fields(b.Message), " "),
		string(options), b.Material, b.Detail, strings.Join(b.Progress, "; "))
	for _, turn := range b.History {
		hashFields(h, turn.Role, turn.Text)
	}
	if r.known.notes > 0 || len(b.History) > 0 {
		hashFields(h, "user", r.req.UserID)
	}
	key := "answer/" + string(b.Type)
	if r.known.notes > 0 {
		key += UserTag(r.req.UserID)
	} else {
		key += "/"
	}
	return key + hex.EncodeToString(h.Sum(nil))
}

// hashFields hashes each part behind its length, so that no two lists of parts are alike.
func hashFields(h hash.Hash, parts ...string) {
	for _, part := range parts {
		var size [8]byte
		binary.LittleEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write([]byte(part))
	}
}

// loadAnswer reads an answer from the cache. One that does not read as an answer to
// this brief is none.
func (r *run) loadAnswer(ctx context.Context, key string) (*result, bool) {
	ctx, cancel := context.WithTimeout(ctx, r.o.CacheTimeout)
	defer cancel()
	value, age, ok := r.Cache.Get(ctx, key)
	if !ok {
		return nil, false
	}
	var c cached
	aid := study.NewAid(r.brief.Type)
	if json.Unmarshal(value, &c) != nil || json.Unmarshal(c.Data, aid) != nil || len(aid.Check(r.brief.Options)) > 0 {
		return nil, false
	}
	m := &draft{aid: aid, validation: c.Validation, warnings: c.Warnings, model: c.Model}
	return &result{draft: m, cached: true, age: age}, true
}

// cacheAnswer caches an answer that passed. One that is incomplete or was not wholly checked is
// not for others, and one made from notes that have changed meanwhile for nobody.
func (r *run) cacheAnswer(ctx context.Context, key string, m *draft) {
	if !m.validation.Passed || m.cut != study.NotCut || m.partly || r.notesChanged() {
		return
	}
	data, err := json.Marshal(m.aid)
	if err != nil {
		return // format will meet the same and say so
	}
	value, err := json.Marshal(cached{Data: data, Validation: m.validation, Warnings: m.warnings, Model: m.model})
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.o.CacheTimeout)
	defer cancel()
	r.Cache.Set(ctx, key, value)
}
