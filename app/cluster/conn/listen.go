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
	quiet    = time.Second           // a subscription is pinged after this long without a message
	longest  = 3 * quiet             // and closed after this long without an answer
	rejoin   = 50 * time.Millisecond // interval between attempts to subscribe
	aliveMsg = "alive"
)

// Publish sends a message to all current listeners of a channel in all processes, including this one. Delivery is at
// most once. Errors are those of Do.
func (c *Conn) Publish(ctx context.Context, channel, payload string) error {
	return c.Do(ctx, func(ctx context.Context, r redis.UniversalClient) error {
		return r.Publish(ctx, channel, payload).Err()
	})
}

// Listen calls the channels' handlers with their messages, one at a time and in order, until ctx ends; then it returns
// nil. It uses one connection for all channels. It calls resumed each time the subscription begins, since messages
// published before may have been lost. Handlers and resumed must not block for long.
func (c *Conn) Listen(ctx context.Context, channels map[string]func(payload string), resumed func()) error {
	for ctx.Err() == nil {
		if c.Up() {
			c.report(c.subscribe(ctx, channels, resumed))
		}
		select {
		case <-ctx.Done():
		case <-time.After(rejoin):
		}
	}
	return nil
}

// subscribe listens until the subscription breaks.
func (c *Conn) subscribe(ctx context.Context, channels map[string]func(string), resumed func()) error {
	sub := c.client.Subscribe(ctx)
	defer func() { _ = sub.Close() }()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })() // go-redis continues to read after ctx
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
