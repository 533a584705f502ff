package cache

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// scanCount is roughly how many keys Redis examines in one step, which takes it some 0.3 ms.
const scanCount = 1000

// master is a Redis server that holds keys.
type master = redis.Cmdable

// Clear implements cache.Cache. It scans all keys of every master, a thousand at a time, so its duration grows with the
// number of keys in this Redis. Values that are set in the meantime may remain. It returns the number of deleted keys,
// even if Redis becomes unreachable halfway.
func (r *Redis) Clear(ctx context.Context, pattern string) int {
	n, _ := r.purge(ctx, pattern, nil)
	return n
}

// purge is Clear, except that it does not count the keys in counted and returns an error; after an error, some keys may
// remain.
func (r *Redis) purge(ctx context.Context, pattern string, counted map[string]bool) (n int, err error) {
	nodes, err := r.masters(ctx)
	for _, at := range nodes {
		for cursor := uint64(0); ; {
			keys, next, failed := r.scanKeys(ctx, at, cursor, pattern)
			gone, unfinished := r.unlink(ctx, at, keys, counted)
			n += gone
			if failed = errors.Join(failed, unfinished); failed != nil {
				err = errors.Join(err, failed)
				break
			}
			if cursor = next; cursor == 0 {
				break
			}
		}
	}
	return n, err
}

func (r *Redis) masters(ctx context.Context) (nodes []master, err error) {
	err = r.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		cluster, ok := c.(*redis.ClusterClient)
		if !ok {
			nodes = []master{c}
			return nil
		}
		var mu sync.Mutex // the masters are scanned concurrently
		return cluster.ForEachMaster(ctx, func(_ context.Context, c *redis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			nodes = append(nodes, c)
			return nil
		})
	})
	return nodes, err
}

// scanKeys is one step of a scan: it returns some of the keys that contain pattern.
func (r *Redis) scanKeys(ctx context.Context, at master, cursor uint64, pattern string) (keys []string, next uint64, err error) {
	match := escapeGlob(r.name("")) + "*" + escapeGlob(pattern) + "*"
	err = r.conn.Do(ctx, func(ctx context.Context, _ redis.UniversalClient) (err error) {
		keys, next, err = at.Scan(ctx, cursor, match, scanCount).Result()
		return err
	})
	return keys, next, err
}

// unlink deletes keys one command each, because a cluster refuses commands on keys of different slots.
func (r *Redis) unlink(ctx context.Context, at master, keys []string, counted map[string]bool) (n int, err error) {
	if len(keys) == 0 {
		return 0, nil
	}
	var made []redis.Cmder
	err = r.conn.Do(ctx, func(ctx context.Context, _ redis.UniversalClient) (err error) {
		made, err = at.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, name := range keys {
				p.Unlink(ctx, name)
			}
			return nil
		})
		return err
	})
	for i, cmd := range made {
		gone, ok := cmd.(*redis.IntCmd)
		if ok && gone.Val() == 1 && !counted[strings.TrimPrefix(keys[i], r.name(""))] {
			n++
		}
	}
	return n, err
}

var globEscaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)

// escapeGlob returns a pattern that matches only s.
func escapeGlob(s string) string { return globEscaper.Replace(s) }
