-- Gives what follows the lowest of some positions (epoch, number each), up to a number of
-- bytes, and marks it read. hold: a position beyond the newest event waits.
local id, bytes, hold = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local s = load(id)
local dropped = call('GET', past(id)) or ''
if not s then return {'', dropped} end
local low
for i = 4, #ARGV, 2 do
  local seq, at = tonumber(ARGV[i + 1]), nil
  if ARGV[i] == s.e and seq <= s.h then
    at = seq
  elseif not (hold and ARGV[i] == s.e) and s.nf > 0 then
    at = s.nf - 1
  end
  if at and (not low or at < low) then low = at end
end
local answer, all, ends = {s.e, dropped, s.o, s.h, s.nf, s.k, 1, low or 0}, true, s.u
local from, count = low and low + 1, 16
while from and all do
  local entries = call('XRANGE', log(id), string.format('%.0f-0', from), '+', 'COUNT', count)
  for _, e in ipairs(entries) do
    local seq = tonumber(string.match(e[1], '^%d+'))
    answer[#answer + 1] = seq
    answer[#answer + 1] = e[2][2]
    answer[#answer + 1] = e[2][4]
    bytes, from = bytes - #e[2][4], seq + 1
    if TERMINAL[e[2][2]] then read(s, seq) end
    if bytes <= 0 then
      all = seq >= s.h
      break
    end
  end
  if #entries < count or bytes <= 0 then from = nil end
end
if not all then answer[7] = 0 end
if s.u ~= ends then
  save(s)
elseif #answer > 8 then
  call('ZADD', USED, now, id)
  call('ZADD', IDLE, 'XX', now, id)
end
return answer
