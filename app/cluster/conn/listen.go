package conn

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	quiet    = time.Second           // a silent subscription is asked whether it lives
	longest  = 3 * quiet             // and given up when it has not answered by then
	rejoin   = 50 * time.Millisecond // between two attempts to subscribe
	aliveMsg = "alive"
)

// Publish sends a message to who listens to the channel now, in whatever process, this
// one included. It is delivered once or not at all; errors are those of Do.
func (c *Conn) Publish(ctx context.Context, channel, payload string) error {
	return c.Do(ctx, func(ctx context.Context, r redis.UniversalClient) error {
		return r.Publish(ctx, channel, payload).Err()
	})
}

// Listen hands the messages of the channels to their handlers, in the order they come
// and one at a time, until ctx ends; then nil. It takes one connection of its own for
// all of them. resumed is called each time the subscription stands, for the first time
// too: what was published before may not have come. Neither must block for long.
func (c *Conn) Listen(ctx context.Context, channels map[string]func(payload string), resumed func()) error {
	for ctx.Err() == nil {
		if c.Up() {
			c.Report(c.hear(ctx, channels, resumed))
		}
		select {
		case <-ctx.Done():
		case <-time.After(rejoin):
		}
	}
	return nil
}

// hear listens until the subscription breaks.
func (c *Conn) hear(ctx context.Context, channels map[string]func(string), resumed func()) error {
	sub := c.client.Subscribe(ctx)
	defer func() { _ = sub.Close() }()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })() // go-redis reads on when ctx has ended
	if err := sub.Subscribe(ctx, slices.Collect(maps.Keys(channels))...); err != nil {
		return err
	}
	heard, missing := time.Now(), len(channels)
	for {
		m, err := sub.ReceiveTimeout(ctx, quiet)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			heard = time.Now()
		case !isTimeout(err) || time.Since(heard) > longest:
			return err
		default:
			err = sub.Ping(ctx, aliveMsg)
		}
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case *redis.Subscription:
			if missing--; missing == 0 {
				resumed()
			}
		case *redis.Message:
			channels[m.Channel](m.Payload)
		}
	}
}

func isTimeout(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}
