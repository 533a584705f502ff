-- Tells of an orphan, if it is still to be had.
local id, run = ARGV[1], ARGV[2]
local v = call('HMGET', meta(id), 'o', 'p:' .. run, 'q:' .. run)
if v[2] ~= '' or not v[3] then return {} end
return {v[1], v[3]}
