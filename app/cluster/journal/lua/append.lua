-- Adds what a run has not got yet of a chunk: ordinal, kind, data each. A chunk that was
-- taken before changes nothing, and gets the same answer as then.
local id, run, writer, epoch = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local before = tonumber(ARGV[5]) -- the last ordinal known to have been taken
local s = load(id)
if not s or s.e ~= epoch then return {call('GET', past(id)) == epoch and 'GONE' or 'LOST'} end
local m = meta(id)
local v = call('HMGET', m, 'p:' .. run, 'c:' .. run, 'f:' .. run, 'l:' .. run)
if not v[1] then
  local why, ord, seq = ended(s, run)
  if not why then return {'LOST'} end
  if why ~= '.' then return {'OVER', why} end
  return {'OK', 2 ^ 52, tonumber(ord), tonumber(seq), s.h}
end
if v[1] ~= writer then return {'OVER', 'b'} end
local taken, first = tonumber(v[2]), tonumber(v[3])
local ord, seq = string.match(v[4], '^(%d+)-(%d+)$')
local answer = {'OK', taken, tonumber(ord), tonumber(seq), s.h}
if taken < before then return {'LOST'} end

local need, chunk = 0, nil
for i = 6, #ARGV, 3 do
  if tonumber(ARGV[i]) > taken then need = need + #ARGV[i + 2] + EVENT_COST end
end
if need == 0 then return answer end
while not room(need, s) do
  if not shrink(s) then
    interrupt(s, run, 'f', FULL)
    save(s)
    changed('e', s)
    return {'OVER', 'f'}
  end
end
local head, last, done, spoke = s.h, taken, nil, false
for i = 6, #ARGV, 3 do
  local n, kind = tonumber(ARGV[i]), ARGV[i + 1]
  if n > taken then
    local at = head + n - taken
    put(s, run, at, kind, ARGV[i + 2])
    chunk = chunk or string.format('%.0f-%.0f', n, at)
    if first == 0 then
      first = at
      if s.n == run then s.nf = at end
    end
    last, done = n, TERMINAL[kind] and at or nil
    spoke = spoke or (kind ~= 'start' and kind ~= 'progress')
  end
end
if done then
  close(s, run, '.', first, done, chunk)
else
  call('HSET', m, 'c:' .. run, last, 'f:' .. run, first, 'l:' .. run, chunk)
  if spoke then forgetRequest(s, run) end
end
trim(s)
save(s)
changed('e', s)
return answer
