-- Shared by all scripts. KEYS[1] is a bucket's prefix, a hash tag, so that all keys of a script are in one slot of a cluster.
-- Go puts the bounds (BUCKET_BYTES, SESSION_BYTES, MAX_EVENTS, SESSIONS, STALE_MS, REPEAT_MS) in front of this file.
local call = redis.call
local base = KEYS[1]
local USED, IDLE = base .. 'used', base .. 'idle'       -- sessions by last use; those that may be evicted
local RUNS, ORPHANS = base .. 'runs', base .. 'orphans' -- open runs and their writers; orphaned runs by their deadline
local BYTES = base .. 'bytes'
local SESSION_COST, RUN_COST, EVENT_COST = 512, 512, 96
local TERMINAL = {complete = true, error = true}

local clock = call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

local function log(id) return base .. id .. ':j' end  -- the stream; an event's id is its number
local function meta(id) return base .. id .. ':m' end -- the hash of the session
local function past(id) return base .. id .. ':x' end -- epoch of the session that a user deleted last under this id
local function hold(id) return base .. id .. ':s' end -- the open silent run and its owner
local HOLD_MS = 3600000 -- longer than any run, in case nobody ends it

local function tell(kind, id, ...)
  call('PUBLISH', 'studysharper:journal', table.concat({kind, id, ...}, ' '))
end

-- changed notifies readers that wait for the session. kind: e = new events, b = another run or the session is gone, d = a user deleted it.
local function changed(kind, s) tell(kind, s.id, s.e, string.format('%.0f', s.h)) end

-- A session's fields: e epoch, o owner, h newest event number, b bytes, u terminal events not read yet, z spans of the last runs. Of its
-- newest run: n id, nf first event, ne terminal event, and while it is open p writer ('' = orphaned), q request, x set if it was taken over.
-- A session has one open run at a time, so the numbers of a run's events have no gaps.
local NOBODY = '-' -- p of a run that has ended
local function load(id)
  local v = call('HMGET', meta(id), 'e', 'o', 'h', 'b', 'n', 'p', 'nf', 'ne', 'u', 'z')
  if not v[1] then return nil end
  return {
    id = id, e = v[1], o = v[2], h = tonumber(v[3]), b = tonumber(v[4]), paid = tonumber(v[4]),
    n = v[5], p = v[6] ~= NOBODY and v[6] or nil, nf = tonumber(v[7]), ne = tonumber(v[8]), u = v[9], z = v[10],
  }
end

local function create(id, epoch, owner)
  call('HSET', meta(id), 'o', owner) -- first: a full Redis refuses only a script's first write
  call('DEL', log(id))               -- left by a session whose hash was lost
  return { id = id, e = epoch, o = owner, h = 0, b = SESSION_COST, paid = 0, n = '', nf = 0, ne = 0, u = ',', z = '' }
end

local function unread(s, seq) return string.find(s.u, string.format(',%.0f,', seq), 1, true) ~= nil end
local function read(s, seq) s.u = string.gsub(s.u, string.format(',%.0f,', seq), ',', 1) end

local function save(s)
  call('HSET', meta(s.id), 'e', s.e, 'o', s.o, 'h', s.h, 'b', s.b, 'n', s.n, 'p', s.p or NOBODY, 'nf', s.nf, 'ne', s.ne, 'u', s.u, 'z', s.z)
  if s.b ~= s.paid then call('INCRBY', BYTES, s.b - s.paid) end
  s.paid = s.b
  call('ZADD', USED, now, s.id)
  if not s.p and not (s.ne > 0 and unread(s, s.ne)) then
    call('ZADD', IDLE, now, s.id)
  else
    call('ZREM', IDLE, s.id)
  end
end

-- forget removes a session and its run. Readers then get the run's row from the store.
local function forget(s)
  if s.p then
    call('HDEL', RUNS, s.id .. ':' .. s.n)
    call('ZREM', ORPHANS, s.id .. ':' .. s.n)
  end
  call('DEL', log(s.id), meta(s.id))
  call('ZREM', USED, s.id)
  call('ZREM', IDLE, s.id)
  call('DECRBY', BYTES, s.paid)
  changed('b', s)
end

-- oldestIdle returns the idle session to evict first, other than except.
local function oldestIdle(except)
  for _, id in ipairs(call('ZRANGE', IDLE, 0, 1)) do
    if id ~= except then
      local s = load(id)
      if s then return s end
      call('ZREM', IDLE, id)
    end
  end
end

-- room evicts idle sessions until need more bytes fit. s is the session that needs them.
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

-- victim returns the event to remove first: the oldest. Unread terminal events come last; the newest run's is never removed.
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

-- put appends an event to the newest run.
local function put(s, seq, kind, data)
  call('XADD', log(s.id), string.format('%.0f-0', seq), 'k', kind, 'd', data, 'r', s.n)
  s.b = s.b + #data + EVENT_COST
  s.h = seq
  if s.nf == 0 then s.nf = seq end
  if TERMINAL[kind] then
    s.ne = seq
    s.u = string.format('%s%.0f,', s.u, seq)
  end
end

local function forgetRequest(s)
  local n = call('HSTRLEN', meta(s.id), 'q')
  if n > 0 then
    call('HDEL', meta(s.id), 'q')
    s.b = s.b - n
  end
end

-- open makes a run the session's open run.
local function open(s, run, writer, request)
  s.n, s.p, s.nf, s.ne, s.b = run, writer, 0, 0, s.b + RUN_COST
  call('HSET', RUNS, s.id .. ':' .. run, writer)
  if #request > 0 then
    call('HSET', meta(s.id), 'q', request)
    s.b = s.b + #request
  end
end

-- close ends the open run, which has its terminal event.
local function close(s)
  forgetRequest(s)
  call('HDEL', meta(s.id), 'x')
  call('HDEL', RUNS, s.id .. ':' .. s.n)
  call('ZREM', ORPHANS, s.id .. ':' .. s.n)
  s.p, s.b = nil, s.b - RUN_COST
  s.z = string.format('%s%s.%.0f-%.0f;', s.z, s.n, s.nf, s.ne)
  if #s.z > 1024 then s.z = string.gsub(s.z, '^[^;]*;', '', 1) end
end

-- span returns the numbers of a run's first and last event, 0 where there is none yet; nil if the session does not know the run.
local function span(s, run)
  if s.p and s.n == run then return s.nf, 0 end
  local _, at = string.find(s.z, run .. '.', 1, true)
  if not at then return nil end
  local first, last = string.match(s.z, '^(%d+)-(%d+);', at + 1)
  return tonumber(first), tonumber(last)
end

-- active returns a session's open run and its owner. s is the session, or nil.
local function active(s, id)
  if s and s.p then return s.n, s.o end
  local held = call('GET', hold(id))
  if held then return string.match(held, '^(%S+) (.*)$') end
end

-- release ends a silent run, and returns whether there was one.
local function release(id, run)
  local held = call('GET', hold(id))
  if not held or string.match(held, '^%S+') ~= run then return false end
  call('DEL', hold(id))
  call('HDEL', RUNS, id .. ':' .. run)
  return true
end
