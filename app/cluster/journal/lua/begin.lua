-- Begins a run in a session that has none. A silent one is not of the session's numbering.
local id, run, owner, writer, epoch, request, silent = unpack(ARGV)
local s = load(id)
if s and s.o ~= owner then return {'GONE'} end
if s and call('HEXISTS', meta(id), 'p:' .. run) == 1 then return {'BEGUN'} end
local open, whose = active(s, id)
if open and whose ~= owner then return {'GONE'} end
if open == run then return {'BEGUN'} end
if open then return {'BUSY', open} end
if silent == '1' then
  call('SET', hold(id), run .. ' ' .. owner, 'PX', HOLD_MS)
  call('HSET', RUNS, id .. ':' .. run, writer)
  return {'OK', '0', 0, 0, 0}
end
if not room(RUN_COST + SESSION_COST, s) then return {'FULL'} end
if not s then
  if call('ZCARD', USED) >= SESSIONS then
    local idle = oldestIdle()
    if not idle then return {'FULL'} end
    forget(idle)
  end
  s = create(id, epoch, owner)
end
if string.find(s.z, run, 1, true) then s.z = '' end -- the id was another run's
local before = table.concat({s.n, s.nb, s.nf, s.ne}, ' ')
s.g, s.k, s.b = s.g + 1, s.k + 1, s.b + RUN_COST
s.n, s.nb, s.nf, s.ne = run, s.g, 0, 0
call('HSET', meta(id), 'p:' .. run, writer, 'c:' .. run, 0, 'f:' .. run, 0, 'l:' .. run, '0-0', 'i:' .. run, before)
if #request > 0 and room(#request, s) then
  call('HSET', meta(id), 'q:' .. run, request)
  s.b = s.b + #request
end
call('HSET', RUNS, id .. ':' .. run, writer)
save(s)
changed('b', s)
return {'OK', s.e, s.g, s.h, 0}
