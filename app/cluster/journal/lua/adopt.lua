-- Makes a process the writer of an orphaned run. TAKEN: another one was faster, or the run is gone.
local id, run, owner, writer = unpack(ARGV)
local s = load(id)
if not s or s.o ~= owner or s.n ~= run or s.p ~= '' then return {'TAKEN'} end
forgetRequest(s)
s.p = writer
call('HSET', meta(id), 'x', 1)
call('HSET', RUNS, id .. ':' .. run, writer)
call('ZREM', ORPHANS, id .. ':' .. run)
save(s)
return {'OK', s.e, s.h, s.nf}
