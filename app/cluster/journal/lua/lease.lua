-- Renews a process's lease and returns the ids of all processes that hold one.
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
local lease = tonumber(ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 100 * lease)
return redis.call('ZRANGEBYSCORE', KEYS[1], now - lease, '+inf')
