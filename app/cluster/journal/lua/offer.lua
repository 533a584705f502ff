-- Returns an orphan's owner and request, if nobody has taken the run over yet.
local v = call('HMGET', meta(ARGV[1]), 'o', 'n', 'p', 'q')
if v[2] ~= ARGV[2] or v[3] ~= '' or not v[4] then return {} end
return {v[1], v[4]}
