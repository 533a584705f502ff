package cache

import "testing"

func TestTheWriteBehindQueueHoldsItsBoundsAndItsOrder(t *testing.T) {
	o := &writeBehindQueue{maxItems: 3, maxBytes: 100, latest: make(map[string]*pendingWrite)}
	keys := func() (list string) {
		for _, g := range o.order {
			list += g.key
		}
		return list
	}
	check := func(want string, items, bytes int, dropped uint64) {
		t.Helper()
		if keys() != want || len(o.order) != items || o.bytes != bytes || o.dropped != dropped || len(o.latest) > items {
			t.Fatalf("%q, %d items, %d bytes, %d dropped; want %q, %d, %d, %d", keys(), len(o.order), o.bytes, o.dropped, want, items, bytes, dropped)
		}
	}
	settledKeys := ""
	put := func(key string, size int) {
		o.enqueue(key, make([]byte, size), false)
		if g := o.latest[key]; g != nil {
			g.onSettled = append(g.onSettled, func() { settledKeys += key })
		}
	}
	put("a", 9)
	put("b", 9)
	put("c", 9)
	check("abc", 3, 30, 0)
	put("a", 19) // again: it replaces the first, at the end of the queue
	check("bca", 3, 40, 0)
	put("d", 9) // one item over the limit
	check("cad", 3, 40, 1)
	put("e", 70) // with 40 bytes, 11 over the limit
	check("de", 2, 81, 3)
	put("f", 100) // one byte over the limit on its own
	check("", 0, 0, 6)
	if settledKeys != "bcaade" {
		t.Errorf("settled: %q", settledKeys)
	}
	put("g", 9)
	put("h", 9)
	if batch := o.nextBatch(10, 15); len(batch) != 1 || batch[0].key != "g" {
		t.Fatalf("a batch of %d", len(batch))
	}
	put("g", 9) // while the first is being written
	check("ghg", 3, 30, 6)
	put("i", 9)
	check("ggi", 3, 30, 7) // the change being written stays
	o.dropMatching("g", func(string) {})
	check("gi", 2, 20, 7)
	if !o.order[0].cleared || o.latest["g"] != nil {
		t.Error("what is being written is not to be undone, or is given")
	}
}
