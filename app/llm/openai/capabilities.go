package openai

import (
	"hash/fnv"
	"strings"
	"sync/atomic"

	"studysharper/app/study"
)

// MaxModels is how many models of a Client have a word of Options.Memory.
const MaxModels = 8

// Memory keeps a word for each model, of what was learnt about it. It may be shared by the
// processes of a container, so that what one has learnt the others know, also after it is gone.
// A process with other models than the one that wrote a word ignores it.
type Memory interface {
	Load(model int) uint64 // 0 = nothing is known; model is below MaxModels
	Store(model int, word uint64)
}

// localMemory is the Memory of a single Client.
type localMemory [MaxModels]atomic.Uint64

func (m *localMemory) Load(model int) uint64        { return m[model].Load() }
func (m *localMemory) Store(model int, word uint64) { m[model].Store(word) }

// dialect is how requests to a model are written. The zero value is the most that is asked
// for; each bit takes something back that the model refused.
type dialect uint16

const (
	newBound        dialect = 1 << iota // max_completion_tokens, the later name of max_tokens
	noBound                             // neither of them
	noStreamOptions                     //
	noStream                            //
	noSchema                            // no response_format of type json_schema
	noObject                            // none of type json_object
	noEffort                            // no reasoning_effort
	noSystem                            // the system turn is merged into the first one of the user
)

// has reports whether the dialect includes any of the bits.
func (d dialect) has(bits dialect) bool { return d&bits != 0 }

// dialectNames are what a dialect's bits are called in reports, in their order.
var dialectNames = []string{"max_completion_tokens", "no bound of tokens", "no stream_options", "no streams", "no json_schema",
	"no json_object", "no reasoning_effort", "no system role"}

// String lists what a dialect does without; "" = nothing.
func (d dialect) String() string {
	var names []string
	for i, name := range dialectNames {
		if d.has(1 << i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// capabilities is what was learnt about a model. It is safe for concurrent use; of two that
// learn at once the last one counts, and the other learns again.
type capabilities struct {
	memory Memory
	index  int
	tag    uint64 // of the model's name: the top 16 bits of its word
}

// A word has, from the top: the tag, the refusals in a row, the context, the dialect.
const (
	tagShift     = 48
	refusalShift = 44
	refuseStreak = 3 // refusals in a row that degrade a model; no more are counted
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

// dialect is the one that the model was seen to take.
func (c *capabilities) dialect() dialect { return dialect(c.word()) } //nolint:gosec // the lowest bits

func (c *capabilities) setDialect(d dialect) { c.store(d, c.contextTokens(), c.refusals()) }

// contextTokens is the size of the model's context; 0 = unknown.
func (c *capabilities) contextTokens() int { return int(c.word() >> contextShift & contextMask) } //nolint:gosec // 28 bits

func (c *capabilities) setContext(tokens int) { c.store(c.dialect(), tokens, c.refusals()) }

// refusals is how often in a row the model has rejected our key, account, address or its name, up
// to refuseStreak. An answer to any process resets it for all.
func (c *capabilities) refusals() int { return int(c.word() >> refusalShift & refusalMask) } //nolint:gosec // 4 bits

// report counts how a call came out.
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

// messages are the turns of a prompt, the system turn merged into the first of the user where
// the model does not take it.
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
