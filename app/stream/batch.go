package stream

import (
	"studysharper/app/stream/eventstream"
	"studysharper/app/study"
)

// AppendBatch appends a batch as a client is sent it. Each event has its position as
// id, a run's terminal one as its stream's last, and no event field. A gap event comes
// first when events were missed; its seq and its id are those of the last event missed,
// so that the client's next id is right and its numbers grow by one again from there.
func AppendBatch(dst []byte, b study.Batch) []byte {
	at := b.Next
	if b.Missed > 0 {
		if len(b.Events) > 0 {
			at.Seq = b.Events[0].Seq - 1
		}
		// Marshalling a number cannot fail.
		gap, _ := study.NewEvent(study.KindGap, map[string]uint64{"missed": b.Missed})
		gap.Seq = at.Seq
		dst = eventstream.AppendEvent(dst, at.String(), gap.Data(b.Run))
	}
	for _, e := range b.Events {
		at.Seq = e.Seq
		id := at.String()
		if e.Kind.Terminal() {
			id = at.LastID(b.Run)
		}
		dst = eventstream.AppendEvent(dst, id, e.Data(b.Run))
	}
	return dst
}
