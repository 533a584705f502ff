-- Takes back a run whose maker was told that it has not begun: the session's life ends with it. Its older runs are in the store.
local s = load(ARGV[1])
if not s or s.n ~= ARGV[2] or s.p ~= ARGV[3] then return 0 end
forget(s)
return 1
