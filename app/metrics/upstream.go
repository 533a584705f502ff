package metrics

// MaxModels is how many models of an upstream have a word on the board.
const MaxModels = 8

// UpstreamMemory keeps a word for each model of the upstream on the supervisor's page, so that
// what one worker has learnt about a model outlasts it. All workers write it.
type UpstreamMemory struct{ board *Board }

// UpstreamMemory returns the board's.
func (b *Board) UpstreamMemory() UpstreamMemory { return UpstreamMemory{b} }

// Load returns the word of a model, an index below MaxModels; 0 = none was stored.
func (m UpstreamMemory) Load(model int) uint64 {
	return m.board.Supervisor().words[firstModel+Gauge(model)].Load()
}

// Store replaces the word of a model.
func (m UpstreamMemory) Store(model int, word uint64) {
	m.board.Supervisor().words[firstModel+Gauge(model)].Store(word)
}
