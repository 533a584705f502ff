local s = load(ARGV[1])
if not s then return 0 end
forget(s)
return 1
