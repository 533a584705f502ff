-- What all scripts share. KEYS[1] is the prefix of a bucket, which is a hash tag: all that
-- a script touches is in one slot of a cluster. Bounds come in front, from Go.
local call = redis.call
local base = KEYS[1]
local USED, IDLE = base .. 'used', base .. 'idle'       -- sessions by last use; those that may go for room
local RUNS, ORPHANS = base .. 'runs', base .. 'orphans' -- open runs and their writers; orphans by the end of their time
local BYTES = base .. 'bytes'
local SESSION_COST, RUN_COST, EVENT_COST = 512, 512, 96
local TERMINAL = {complete = true, error = true}

local clock = call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

local function log(id) return base .. id .. ':j' end  -- the stream: an event's id is its number
local function meta(id) return base .. id .. ':m' end -- the hash
local function past(id) return base .. id .. ':x' end -- epoch of the life that was dropped last
local function hold(id) return base .. id .. ':s' end -- the open silent run, and whose it is
local HOLD_MS = 3600000 -- in case nobody ends it: longer than any run

local function tell(kind, id, ...)
  call('PUBLISH', 'studysharper:journal', table.concat({kind, id, ...}, ' '))
end

-- changed tells who waits that the session has more. kind: e, or b when its newest run is another.
local function changed(kind, s) tell(kind, s.id, s.e, string.format('%.0f', s.h)) end

-- e epoch, o owner, h newest number, b bytes, k open runs, g runs ever begun; of the newest
-- run: n id, nb its number, nf first event, ne end; u unread ends; z the last runs' ends and spans.
-- Of an open run R: p:R writer, c:R ordinals taken, f:R first event, l:R first ordinal and
-- number of the last chunk, q:R request, x:R repeated, i:R the newest run before it.
local function load(id)
  local v = call('HMGET', meta(id), 'e', 'o', 'h', 'b', 'k', 'g', 'n', 'nb', 'nf', 'ne', 'u', 'z')
  if not v[1] then return nil end
  return {
    id = id, e = v[1], o = v[2], h = tonumber(v[3]), b = tonumber(v[4]), paid = tonumber(v[4]),
    k = tonumber(v[5]), g = tonumber(v[6]), n = v[7], nb = tonumber(v[8]), nf = tonumber(v[9]),
    ne = tonumber(v[10]), u = v[11], z = v[12],
  }
end

local function create(id, epoch, owner)
  call('HSET', meta(id), 'o', owner) -- first, for a full Redis refuses it only until a script has written
  call('DEL', log(id))               -- of a life whose hash was lost
  return {
    id = id, e = epoch, o = owner, h = 0, b = SESSION_COST, paid = 0, k = 0, g = 0,
    n = '', nb = 0, nf = 0, ne = 0, u = ',', z = '',
  }
end

local function unread(s, seq) return string.find(s.u, string.format(',%.0f,', seq), 1, true) ~= nil end
local function read(s, seq) s.u = string.gsub(s.u, string.format(',%.0f,', seq), ',', 1) end

local function save(s)
  call('HSET', meta(s.id), 'e', s.e, 'o', s.o, 'h', s.h, 'b', s.b, 'k', s.k, 'g', s.g,
    'n', s.n, 'nb', s.nb, 'nf', s.nf, 'ne', s.ne, 'u', s.u, 'z', s.z)
  if s.b ~= s.paid then call('INCRBY', BYTES, s.b - s.paid) end
  s.paid = s.b
  call('ZADD', USED, now, s.id)
  if s.k == 0 and not (s.ne > 0 and unread(s, s.ne)) then
    call('ZADD', IDLE, now, s.id)
  else
    call('ZREM', IDLE, s.id)
  end
end

-- forget drops a session with all its runs.
local function forget(s)
  for _, field in ipairs(call('HKEYS', meta(s.id))) do
    local run = string.match(field, '^p:(.+)$')
    if run then
      call('HDEL', RUNS, s.id .. ':' .. run)
      call('ZREM', ORPHANS, s.id .. ':' .. run)
    end
  end
  call('DEL', log(s.id), meta(s.id))
  call('ZREM', USED, s.id)
  call('ZREM', IDLE, s.id)
  call('DECRBY', BYTES, s.paid)
  redis.pcall('SET', past(s.id), s.e, 'PX', STALE_MS) -- a full Redis refuses it, and must be emptied
  changed('d', s)
end

-- oldestIdle is the session to give up first, other than except.
local function oldestIdle(except)
  for _, id in ipairs(call('ZRANGE', IDLE, 0, 1)) do
    if id ~= except then
      local s = load(id)
      if s then return s end
      call('ZREM', IDLE, id)
    end
  end
end

-- room gives up idle sessions until need more bytes fit; s is the session they are for.
local function room(need, s)
  local own = s and s.b - s.paid or 0
  for _ = 0, 64 do
    if tonumber(call('GET', BYTES) or '0') + own + need <= BUCKET_BYTES then return true end
    local idle = oldestIdle(s and s.id)
    if not idle then return false end
    forget(idle)
  end
  return false
end

-- victim is the event to give up first: the oldest, unread ends last, the newest run's never.
local function victim(s)
  local from, spare, count = '-', nil, s.u == ',' and 1 or 16
  while true do
    local entries = call('XRANGE', log(s.id), from, '+', 'COUNT', count)
    for _, e in ipairs(entries) do
      local seq = tonumber(string.match(e[1], '^%d+'))
      if not unread(s, seq) then return e, seq end
      if not spare and seq ~= s.ne then spare = e end
      from = string.format('%.0f-0', seq + 1)
    end
    if #entries < count then return spare, spare and tonumber(string.match(spare[1], '^%d+')) end
  end
end

local function shrink(s)
  local e, seq = victim(s)
  if not e then return false end
  call('XDEL', log(s.id), e[1])
  s.b = s.b - #e[2][4] - EVENT_COST
  read(s, seq)
  return true
end

local function trim(s)
  local kept = call('XLEN', log(s.id))
  while (kept > MAX_EVENTS or s.b > SESSION_BYTES) and shrink(s) do kept = kept - 1 end
end

local function put(s, run, seq, kind, data)
  call('XADD', log(s.id), string.format('%.0f-0', seq), 'k', kind, 'd', data, 'r', run)
  s.b = s.b + #data + EVENT_COST
  if seq > s.h then s.h = seq end
  if TERMINAL[kind] then s.u = string.format('%s%.0f,', s.u, seq) end
end

local function forgetRequest(s, run)
  local n = call('HSTRLEN', meta(s.id), 'q:' .. run)
  if n > 0 then
    call('HDEL', meta(s.id), 'q:' .. run)
    s.b = s.b - n
  end
end

-- close takes a run off the open ones. why: '.' by its writer, else what interrupted it.
-- first and seq are its first and last event's numbers; at, its last chunk, lets a repeated
-- append find its numbers.
local function close(s, run, why, first, seq, at)
  forgetRequest(s, run)
  local m = meta(s.id)
  call('HDEL', m, 'p:' .. run, 'c:' .. run, 'f:' .. run, 'l:' .. run, 'x:' .. run, 'i:' .. run)
  call('HDEL', RUNS, s.id .. ':' .. run)
  call('ZREM', ORPHANS, s.id .. ':' .. run)
  s.k, s.b = s.k - 1, s.b - RUN_COST
  if s.n == run then s.ne = seq end
  s.z = string.format('%s%s%s%s/%.0f-%.0f;', s.z, run, why, at, first, seq)
  if #s.z > 1024 then s.z = string.gsub(s.z, '^[^;]*;', '', 1) end
end

-- ended gives why a run is over and its last chunk; nil when that is not known.
local function ended(s, run)
  local _, at = string.find(s.z, run, 1, true)
  if at then return string.match(s.z, '^([%a.])(%d+)-(%d+)[/;]', at + 1) end
end

-- span gives the numbers of a run's first and last event, 0 for what it has not got yet;
-- nil when the session has not had the run, or too long ago.
local function span(s, run)
  local first, last = call('HGET', meta(s.id), 'f:' .. run), '0'
  if not first then
    local _, at = string.find(s.z, run, 1, true)
    if at then first, last = string.match(s.z, '^[%a.]%d+%-%d+/(%d+)%-(%d+);', at + 1) end
    if not first or last == '0' then return nil end
  end
  return tonumber(first), tonumber(last)
end

-- active gives a session's open run, and whose it is. s: the session, if it is there.
local function active(s, id)
  if s and s.k > 0 then
    for _, field in ipairs(call('HKEYS', meta(id))) do
      local run = string.match(field, '^p:(.+)$')
      if run then return run, s.o end
    end
  end
  local held = call('GET', hold(id))
  if held then return string.match(held, '^(%S+) (.*)$') end
end

-- release ends a silent run, and reports whether it was one.
local function release(id, run)
  local held = call('GET', hold(id))
  if not held or string.match(held, '^%S+') ~= run then return false end
  call('DEL', hold(id))
  call('HDEL', RUNS, id .. ':' .. run)
  return true
end

-- interrupt ends a run against its writer's will.
local function interrupt(s, run, why, data)
  local seq, writer = s.h + 1, call('HGET', meta(s.id), 'p:' .. run)
  local first = tonumber(call('HGET', meta(s.id), 'f:' .. run) or '0')
  put(s, run, seq, 'error', data)
  if s.n == run and s.nf == 0 then s.nf = seq end
  close(s, run, why, first > 0 and first or seq, seq, '0-0')
  trim(s)
  tell('l', s.id, run, why, writer)
end
