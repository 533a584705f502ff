package openai

import (
	"hash/fnv"
	"strings"
	"sync/atomic"

	"studysharper/app/study"
)

// MaxModels is the number of models of a Client that have a word in Options.Memory.
const MaxModels = 8

// Memory stores one word per model: its known capabilities. The processes of a container may share it, so that all of
// them use what one has learnt, even after that process has ended. A word written by a process with a different model
// at that index is ignored.
type Memory interface {
	Load(model int) uint64 // 0 = nothing is known; model is below MaxModels
	Store(model int, word uint64)
}

// localMemory is the Memory of a single Client.
type localMemory [MaxModels]atomic.Uint64

func (m *localMemory) Load(model int) uint64        { return m[model].Load() }
func (m *localMemory) Store(model int, word uint64) { m[model].Store(word) }

// dialect says how requests to a model are written. The zero value uses all features; each bit disables one that the
// model refused.
type dialect uint16

const (
	newBound dialect = 1 << iota // max_completion_tokens, the later name of max_tokens
	noBound                      // neither max_tokens nor max_completion_tokens
	noStreamOptions
	noStream
	noSchema // no response_format of type json_schema
	noObject // no response_format of type json_object
	noEffort // no reasoning_effort
	noSystem // the system turn is merged into the first user turn
)

// has reports whether the dialect includes any of the bits.
func (d dialect) has(bits dialect) bool { return d&bits != 0 }

// dialectNames are the names of a dialect's bits in reports, in their order.
var dialectNames = []string{"max_completion_tokens", "no token limit", "no stream_options", "no streams", "no json_schema",
	"no json_object", "no reasoning_effort", "no system role"}

// String lists the features that a dialect disables; "" = none.
func (d dialect) String() string {
	var names []string
	for i, name := range dialectNames {
		if d.has(1 << i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// capabilities stores the known capabilities of a model. It is safe for concurrent use; of two concurrent changes the
// last one wins, and the other is learnt again.
type capabilities struct {
	memory Memory
	index  int
	tag    uint64 // of the model's name: the top 16 bits of its word
}

// A word contains, from the highest bits: the tag, the number of refusals in a row, the context size, the dialect.
const (
	tagShift     = 48
	refusalShift = 44
	refuseStreak = 3 // refusals in a row from which a model counts as refusing; the counter stops here
	refusalMask  = 1<<4 - 1
	contextShift = 16
	contextMask  = 1<<28 - 1
)

func newCapabilities(memory Memory, index int, model string) *capabilities {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(model)) // never fails
	return &capabilities{memory: memory, index: index, tag: sum.Sum64()>>tagShift | 1}
}

func (c *capabilities) word() uint64 {
	word := c.memory.Load(c.index)
	if word>>tagShift != c.tag {
		return 0
	}
	return word
}

// dialect returns the dialect that the model is known to accept.
func (c *capabilities) dialect() dialect { return dialect(c.word()) } //nolint:gosec // the lowest bits

func (c *capabilities) setDialect(d dialect) { c.store(d, c.contextTokens(), c.refusals()) }

// contextTokens returns the size of the model's context; 0 = unknown.
func (c *capabilities) contextTokens() int { return int(c.word() >> contextShift & contextMask) } //nolint:gosec // 28 bits

func (c *capabilities) setContext(tokens int) { c.store(c.dialect(), tokens, c.refusals()) }

// refusals returns how often in a row the upstream has refused the API key, the account, the address or the model's
// name, up to refuseStreak. An answer to any process resets the number for all.
func (c *capabilities) refusals() int { return int(c.word() >> refusalShift & refusalMask) } //nolint:gosec // 4 bits

// report records the outcome of a call.
func (c *capabilities) report(v health) {
	before, now := c.refusals(), 0
	switch v {
	case refusing:
		now = min(before+1, refuseStreak)
	case unhealthy, unknown:
		return
	case healthy:
	}
	if now != before {
		c.store(c.dialect(), c.contextTokens(), now)
	}
}

func (c *capabilities) store(d dialect, contextTokens, refusals int) {
	size := uint64(min(max(contextTokens, 0), contextMask))                                              //nolint:gosec // not negative
	c.memory.Store(c.index, c.tag<<tagShift|uint64(refusals)<<refusalShift|size<<contextShift|uint64(d)) //nolint:gosec // not negative
}

func hasSystem(p study.Prompt) bool {
	return len(p.Turns) > 1 && p.Turns[0].Role == study.RoleSystem
}

// messages returns the turns of a prompt. The system turn is merged into the first user turn if the model does not
// accept a system turn.
func (d dialect) messages(p study.Prompt) []wireMessage {
	list := make([]wireMessage, 0, len(p.Turns))
	system := ""
	for i, t := range p.Turns {
		if d.has(noSystem) && i == 0 && hasSystem(p) {
			system = t.Text
			continue
		}
		if system != "" && t.Role == study.RoleUser {
			t.Text, system = system+"\n\n"+t.Text, ""
		}
		list = append(list, wireMessage{Role: t.Role, Content: t.Text})
	}
	return list
}
