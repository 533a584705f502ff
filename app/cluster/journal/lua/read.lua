-- Returns the events after the lowest of some positions (epoch, number, and the index of a requested run; 0 = all runs), up
-- to a number of bytes, and marks them as read. It also returns the span of each requested run. hold: a position beyond
-- the newest event waits.
local id, bytes, hold, runs = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1', tonumber(ARGV[4])
local s = load(id)
local dropped = call('GET', past(id)) or ''
if not s then return {'', dropped} end
local answer, spans = {s.e, dropped, s.o, s.h, s.nf, s.p and 1 or 0, 1, 0, s.n}, {}
for i = 1, runs do
  local first, last = span(s, ARGV[4 + i])
  spans[i] = {first or 0, last or 0}
  answer[#answer + 1] = first and 1 or 0
  answer[#answer + 1] = first or 0
  answer[#answer + 1] = last or 0
end
local low, high
for i = 5 + runs, #ARGV, 3 do
  local seq, of, at = tonumber(ARGV[i + 1]), spans[tonumber(ARGV[i + 2])], nil
  local first, last = s.nf, s.h
  if of then
    first = of[1]
    if of[2] > 0 then last = of[2] end
  end
  if ARGV[i] == s.e and seq <= s.h then
    if not of then
      at = seq
    elseif first > 0 and seq < last then
      at = math.max(seq, first - 1)
    end
  elseif not (hold and ARGV[i] == s.e) and first > 0 then
    at = first - 1
  end
  if at and (not low or at < low) then low = at end
  if at and (not high or last > high) then high = last end
end
answer[8] = low or 0
local all, ends, told = true, s.u, #answer
local from, count = low and low + 1, 16
while from and all do
  local entries = call('XRANGE', log(id), string.format('%.0f-0', from), string.format('%.0f-0', high), 'COUNT', count)
  for _, e in ipairs(entries) do
    local seq = tonumber(string.match(e[1], '^%d+'))
    answer[#answer + 1] = seq
    answer[#answer + 1] = e[2][2]
    answer[#answer + 1] = e[2][4]
    answer[#answer + 1] = e[2][6] or ''
    bytes, from = bytes - #e[2][4], seq + 1
    if TERMINAL[e[2][2]] then read(s, seq) end
    if bytes <= 0 then
      all = seq >= high
      break
    end
  end
  if #entries < count or bytes <= 0 then from = nil end
end
if not all then answer[7] = 0 end
if s.u ~= ends then
  save(s)
elseif #answer > told then
  call('ZADD', USED, now, id)
  call('ZADD', IDLE, 'XX', now, id)
end
return answer
