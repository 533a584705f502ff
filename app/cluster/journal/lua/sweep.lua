-- Cleans a bucket: removes sessions unused for STALE_MS, orphans the open runs of dead processes (ARGV: their ids), and removes orphaned
-- runs past their deadline, at most MANY of each. Returns the ids of the other processes that have runs in the bucket.
local MANY = 100
local dead = {}
for _, id in ipairs(ARGV) do dead[id] = true end

local function parse(key) return string.match(key, '^([^:]+):(.+)$') end

local function abandon(s)
  local m, run, writer = meta(s.id), s.n, s.p
  if call('HEXISTS', m, 'x') == 1 or call('HEXISTS', m, 'q') == 0 then return forget(s) end
  call('HSET', m, 'p', '')
  call('HSET', RUNS, s.id .. ':' .. run, '')
  call('ZADD', ORPHANS, now + REPEAT_MS, s.id .. ':' .. run)
  tell('l', s.id, run, writer)
end

for _, id in ipairs(call('ZRANGEBYSCORE', USED, '-inf', now - STALE_MS - 1, 'LIMIT', 0, MANY)) do
  local s = load(id)
  if s then forget(s) else
    call('ZREM', USED, id)
    call('ZREM', IDLE, id)
  end
end
if call('ZCARD', USED) == 0 then call('DEL', BYTES) end

local n, writers, listed = 0, {}, {}
local all = call('HGETALL', RUNS)
for i = 1, #all, 2 do
  local process = string.match(all[i + 1], '^[^/]*')
  if dead[process] and n < MANY then
    local id, run = parse(all[i])
    local s = not release(id, run) and load(id)
    if s and s.p and s.n == run then abandon(s) else call('HDEL', RUNS, all[i]) end
    n = n + 1
  elseif process ~= '' and not listed[process] then
    listed[process] = true
    writers[#writers + 1] = process
  end
end
for _, key in ipairs(call('ZRANGEBYSCORE', ORPHANS, '-inf', now, 'LIMIT', 0, MANY)) do
  local id, run = parse(key)
  local s = load(id)
  call('ZREM', ORPHANS, key)
  if s and s.p and s.n == run then forget(s) else call('HDEL', RUNS, key) end
end
for _, key in ipairs(call('ZRANGE', ORPHANS, 0, MANY - 1)) do tell('o', parse(key)) end
return writers
