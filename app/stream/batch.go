package stream

import (
	"studysharper/app/stream/eventstream"
	"studysharper/app/study"
)

// AppendBatch appends the wire form of a batch to dst. Each event has its position as its
// id, and no event field; the id of a terminal event marks it as its stream's last. If
// events were missed, a gap event comes first. Its seq and its id are those of the last
// event missed, so the client's next id is right and later numbers count up by one from
// there.
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
