-- Count one attempt against every counter, unless one of them is full already.
-- KEYS[i]        a counter
-- ARGV[2i - 1]   the most it may reach
-- ARGV[2i]       its window in ms, from the first attempt
-- Returns        0 when counted, else the ms until the full counter ends
-- An attempt that is refused is not counted, so a window always ends.
for i, key in ipairs(KEYS) do
  if tonumber(redis.call("GET", key) or 0) >= tonumber(ARGV[2 * i - 1]) then
    return math.max(redis.call("PTTL", key), 1)
  end
end
for i, key in ipairs(KEYS) do
  if redis.call("INCR", key) == 1 then
    redis.call("PEXPIRE", key, ARGV[2 * i])
  end
end
return 0
