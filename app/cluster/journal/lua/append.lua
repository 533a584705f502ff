-- Appends events (number, kind, data) to a run. Events that it has are skipped, so a repeated call changes nothing.
-- LOST: Redis no longer has the run, or no room for it. OVER: another process has taken it over. GONE: a user deleted the session.
local id, run, writer, epoch = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local before = tonumber(ARGV[5]) -- the last number that Redis has confirmed
local s = load(id)
if not s or s.e ~= epoch then
  if call('GET', past(id)) == epoch then return {'GONE'} end
  tell('b', id, epoch, 0) -- readers may not know yet
  return {'LOST'}
end
if not s.p or s.n ~= run then return {span(s, run) and 'OK' or 'LOST'} end
if s.p ~= writer then return {'OVER'} end
if s.h < before then
  forget(s) -- a replica that lagged behind became the master
  return {'LOST'}
end

local head, need = s.h, 0
for i = 6, #ARGV, 3 do
  if tonumber(ARGV[i]) > head then need = need + #ARGV[i + 2] + EVENT_COST end
end
if need == 0 then return {'OK'} end
while not room(need, s) do
  if not shrink(s) then
    forget(s)
    return {'LOST'}
  end
end
local spoke = false
for i = 6, #ARGV, 3 do
  local seq, kind = tonumber(ARGV[i]), ARGV[i + 1]
  if seq > head then
    put(s, seq, kind, ARGV[i + 2])
    spoke = spoke or (kind ~= 'start' and kind ~= 'progress')
  end
end
if s.ne > 0 then
  close(s)
elseif spoke then
  forgetRequest(s)
end
trim(s)
save(s)
changed('e', s)
return {'OK'}
