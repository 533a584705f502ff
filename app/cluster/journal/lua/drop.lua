local s = load(ARGV[1])
if not s then return 0 end
forget(s)
redis.pcall('SET', past(s.id), s.e, 'PX', STALE_MS) -- a full Redis refuses it, and must be emptied
changed('d', s)
return 1
