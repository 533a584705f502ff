-- Begins a run in a session without an open run. A silent run has no events in the session's numbering.
local id, run, owner, writer, epoch, request, silent = unpack(ARGV)
local s = load(id)
if s and s.o ~= owner then return {'GONE'} end
local active, whose = active(s, id)
if active and whose ~= owner then return {'GONE'} end
if active == run then return {'BEGUN'} end
if active then return {'BUSY', active} end
if silent == '1' then
  call('SET', hold(id), run .. ' ' .. owner, 'PX', HOLD_MS)
  call('HSET', RUNS, id .. ':' .. run, writer)
  return {'OK', '0', 0, 0}
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
if string.find(s.z, run, 1, true) then s.z = '' end -- the id belonged to another run
open(s, run, writer, room(RUN_COST + #request, s) and request or '')
save(s)
changed('b', s)
return {'OK', s.e, s.h, 0}
