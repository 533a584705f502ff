-- Deletes a session for its user.
local s = load(ARGV[1])
if not s then return 0 end
forget(s)
redis.pcall('SET', past(s.id), s.e, 'PX', STALE_MS) -- pcall: a full Redis refuses the write, but the session must go
changed('d', s)
return 1
