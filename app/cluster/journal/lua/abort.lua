-- Takes back a run whose maker was told that it has not begun.
local id, run, writer = unpack(ARGV)
local s = load(id)
if not s then return 0 end
local m = meta(id)
local v = call('HMGET', m, 'p:' .. run, 'i:' .. run, 'f:' .. run, 'x:' .. run)
if v[1] ~= writer then return 0 end
if v[3] ~= '0' or not v[2] or v[4] then
  interrupt(s, run, 'b', BROKE)
  save(s)
  changed('e', s)
  return 1
end
if s.n == run then
  local n, nb, nf, ne = string.match(v[2], '^(%S*) (%d+) (%d+) (%d+)$')
  s.n, s.nb, s.nf, s.ne = n, tonumber(nb), tonumber(nf), tonumber(ne)
end
local newest, ends, u = s.n, s.ne, s.u
close(s, run, 'b', 0, 0, '0-0')
s.n, s.ne, s.u = newest, ends, u
if s.n == '' and s.h == 0 and s.k == 0 then
  save(s)
  forget(s)
  call('DEL', past(id)) -- nobody has been given a position of it
else
  save(s)
end
return 1
