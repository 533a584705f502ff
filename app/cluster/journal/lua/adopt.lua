local id, run, owner, writer = unpack(ARGV)
local s = load(id)
if not s or s.o ~= owner or call('HGET', meta(id), 'p:' .. run) ~= '' then return {'TAKEN'} end
forgetRequest(s, run)
call('HSET', meta(id), 'p:' .. run, writer, 'c:' .. run, 0, 'l:' .. run, '0-0', 'x:' .. run, 1)
call('HSET', RUNS, id .. ':' .. run, writer)
call('ZREM', ORPHANS, id .. ':' .. run)
save(s)
local no = s.n == run and s.nb or 0
return {'OK', s.e, no, s.h, tonumber(call('HGET', meta(id), 'f:' .. run))}
