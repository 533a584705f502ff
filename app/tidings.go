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

// tidings carry revisions between instances: what one has announced the others' tables hear.
// A message is the instance's name and a slot. It is made before the table, which it is
// then to be given (attach).
type tidings struct {
	conn     *redisconn.Conn
	instance string
	table    *revision.Table
	// stands is one more than Conn.Falls was when the subscription last stood, and
	// everything unheard had been forgotten; 0 = never.
	stands atomic.Uint64
}

func newTidings(conn *redisconn.Conn, instance string) *tidings {
	return &tidings{conn: conn, instance: instance}
}

func (t *tidings) attach(table *revision.Table) { t.table = table }

// announce tells the others. Who cannot be told forgets everything when they listen again.
func (t *tidings) announce(slot int) {
	_ = t.conn.Publish(context.Background(), changes, t.instance+" "+strconv.Itoa(slot))
}

// hears reports whether every change elsewhere is heard of.
func (t *tidings) hears() bool { return t.conn.Up() && t.stands.Load() == t.conn.Falls()+1 }

// heard takes a message. The container's own are known to all of its workers already.
func (t *tidings) heard(message string) {
	instance, number, ok := strings.Cut(message, " ")
	slot, err := strconv.Atoi(number)
	if !ok || err != nil {
		t.table.ForgetAll()
	} else if instance != t.instance {
		t.table.Heard(slot)
	}
}

func (t *tidings) run(ctx context.Context) error {
	return t.conn.Listen(ctx, map[string]func(string){changes: t.heard}, func() {
		falls := t.conn.Falls()
		t.table.ForgetAll()
		t.stands.Store(falls + 1)
	})
}
