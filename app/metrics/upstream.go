package metrics

// Use is a resource that model calls use up.
type Use int

// The uses, as the upstream reports them.
const (
	PromptTokens Use = iota
	CompletionTokens
	CostMicros // millionths of the currency of the upstream's account; 0 if the upstream does not report the cost
	endUse
)

// UsedBy returns the counter of a model's usage. Models are counted by their index among the configured ones; models at
// MaxModels and above, and -1, share a counter.
func UsedBy(model int, of Use) Counter {
	if model < 0 || model > MaxModels {
		model = MaxModels
	}
	return firstUse + Counter(model*int(endUse)+int(of))
}

// MaxModels is the number of upstream models with their own word on the board.
const MaxModels = 8

// UpstreamMemory holds one word for each upstream model on the supervisor's page, so that the state of a model outlives
// the worker that observed it. All workers write it.
type UpstreamMemory struct{ board *Board }

// UpstreamMemory returns the board's UpstreamMemory.
func (b *Board) UpstreamMemory() UpstreamMemory { return UpstreamMemory{b} }

// Load returns the word of a model, whose index must be below MaxModels; 0 = nothing stored.
func (m UpstreamMemory) Load(model int) uint64 {
	return m.board.Supervisor().words[firstModel+Gauge(model)].Load()
}

// Store replaces the word of a model.
func (m UpstreamMemory) Store(model int, word uint64) {
	m.board.Supervisor().words[firstModel+Gauge(model)].Store(word)
}
