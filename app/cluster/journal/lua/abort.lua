-- Aborts a run whose caller got an error from Begin. It drops the session; the record of its older runs is in the store.
local s = load(ARGV[1])
if not s or s.n ~= ARGV[2] or s.p ~= ARGV[3] then return 0 end
forget(s)
return 1
