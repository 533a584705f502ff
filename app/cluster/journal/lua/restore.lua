-- Puts back an open run that Redis has lost. Its next events have the numbers that readers expect; those before are lost, and
-- readers who have not had them get a gap.
local id, run, writer, epoch, owner = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local head, first, request, repeated = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8], ARGV[9]
local s = load(id)
if call('GET', past(id)) == epoch then return {'GONE'} end
if s and (s.e ~= epoch or s.o ~= owner or s.h > head) then return {'OVER', 'b'} end -- another run was begun meanwhile
if not room(RUN_COST + SESSION_COST + #request, s) then return {'OVER', 'f'} end
s = s or create(id, epoch, owner)
if s.p then
  forgetRequest(s)
  call('HDEL', RUNS, id .. ':' .. s.n)
  s.b = s.b - RUN_COST
end
open(s, run, writer, request)
s.h, s.nf = head, first
if repeated == '1' then call('HSET', meta(id), 'x', 1) end
save(s)
changed('b', s)
return {'OK'}
