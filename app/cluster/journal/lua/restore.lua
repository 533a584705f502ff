-- Puts back what Redis has lost of a run: its session's life, the run, its events under
-- the numbers that readers know them by (number, kind, data each).
local id, run, writer, epoch, owner = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local head, no, first, taken = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local repeated, request, at = ARGV[10], ARGV[11], ARGV[12]
local s, m = load(id), meta(id)
if call('GET', past(id)) == epoch or (s and s.o ~= owner) then return {'GONE'} end
local why = s and ended(s, run)
if why == '.' then return {'OK'} end
if why then return {'OVER', why} end
local held = call('HGET', m, 'p:' .. run)
if held and held ~= writer then return {'OVER', 'b'} end
if not room(RUN_COST + SESSION_COST + #request, s) then return {'OVER', 'f'} end
local moved = s and s.e ~= epoch
s = s or create(id, epoch, owner)
if not held then
  s.k, s.b = s.k + 1, s.b + RUN_COST
  call('HSET', RUNS, id .. ':' .. run, writer)
end
if moved then -- the session was created again without this run, which continues in it
  call('HSET', m, 'p:' .. run, writer, 'c:' .. run, 0, 'f:' .. run, 0, 'l:' .. run, '0-0')
  s.g = s.g + 1
  save(s)
  return {'MOVED', s.e}
end

call('HSET', m, 'p:' .. run, writer, 'c:' .. run, taken, 'f:' .. run, first, 'l:' .. run, at)
if repeated ~= '' then call('HSET', m, 'x:' .. run, 1) end
if #request > 0 and call('HEXISTS', m, 'q:' .. run) == 0 then
  call('HSET', m, 'q:' .. run, request)
  s.b = s.b + #request
end
if no > s.nb or s.n == run then s.n, s.nb, s.nf, s.ne = run, no, first, 0 end
if no > s.g then s.g = no end
local entries, known = {}, {}
for _, e in ipairs(call('XRANGE', log(id), '-', '+')) do
  local seq = tonumber(string.match(e[1], '^%d+'))
  known[seq] = e[2][4]
  entries[#entries + 1] = {seq, e[2][2], e[2][4], e[2][6] or ''}
end
local top, sorted, late, done = #entries > 0 and entries[#entries][1] or 0, true, {}, nil
local fresh = {}
for i = 13, #ARGV, 3 do
  local e = {tonumber(ARGV[i]), ARGV[i + 1], ARGV[i + 2], run}
  if not known[e[1]] then
    fresh[#fresh + 1] = e
    sorted = sorted and e[1] > top
  elseif known[e[1]] ~= e[3] then
    late[#late + 1] = e -- its number was given away meanwhile
  elseif TERMINAL[e[2]] then
    done = e[1]
  end
end
if not sorted then -- another run of the session was put back first: all are written again
  call('DEL', log(id))
  for _, e in ipairs(entries) do
    s.b = s.b - #e[3] - EVENT_COST
    fresh[#fresh + 1] = e
  end
  table.sort(fresh, function(a, b) return a[1] < b[1] end)
end
for _, e in ipairs(fresh) do
  if unread(s, e[1]) then read(s, e[1]) end
  put(s, e[4], e[1], e[2], e[3])
end
if head > s.h then s.h = head end
for _, e in ipairs(late) do
  e[1] = s.h + 1
  put(s, e[4], e[1], e[2], e[3])
end
for i = 13, #ARGV, 3 do
  if TERMINAL[ARGV[i + 1]] then done = done or tonumber(ARGV[i]) end
end
if done then close(s, run, '.', first, done, at) end
trim(s)
save(s)
changed('b', s)
return {'OK'}
