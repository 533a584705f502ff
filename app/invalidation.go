package main

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"

	"studysharper/app/redisconn"
	"studysharper/app/revision"
)

// changes is the channel on which instances tell each other what has changed.
const changes = "studysharper:changes"

// invalidationBus carry revisions between instances: what one has announced the others' tables hear.
// A message is the instance's name and a slot. It is made before the table, which it is
// then to be given (attach).
type invalidationBus struct {
	conn     *redisconn.Conn
	instance string
	table    *revision.Versions
	// subscribedAt is one more than Conn.Falls was when the subscription last stood, and
	// everything unheard had been forgotten; 0 = never.
	subscribedAt atomic.Uint64
}

func newInvalidationBus(conn *redisconn.Conn, instance string) *invalidationBus {
	return &invalidationBus{conn: conn, instance: instance}
}

func (t *invalidationBus) attach(table *revision.Versions) { t.table = table }

// announce tells the others. Who cannot be told forgets everything when they listen again.
func (t *invalidationBus) announce(slot int) {
	_ = t.conn.Publish(context.Background(), changes, t.instance+" "+strconv.Itoa(slot))
}

// reliable reports whether every change elsewhere is heard of.
func (t *invalidationBus) reliable() bool {
	return t.conn.Up() && t.subscribedAt.Load() == t.conn.Falls()+1
}

// onMessage takes a message. The container's own are known to all of its workers already.
func (t *invalidationBus) onMessage(message string) {
	instance, number, ok := strings.Cut(message, " ")
	slot, err := strconv.Atoi(number)
	if !ok || err != nil {
		t.table.InvalidateAll()
	} else if instance != t.instance {
		t.table.BumpSlot(slot)
	}
}

func (t *invalidationBus) run(ctx context.Context) error {
	return t.conn.Listen(ctx, map[string]func(string){changes: t.onMessage}, func() {
		falls := t.conn.Falls()
		t.table.InvalidateAll()
		t.subscribedAt.Store(falls + 1)
	})
}
