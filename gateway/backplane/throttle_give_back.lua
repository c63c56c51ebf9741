-- Take one attempt off each counter, unless its window has ended meanwhile.
-- KEYS[i]  a counter
for _, key in ipairs(KEYS) do
  if tonumber(redis.call("GET", key) or 0) > 0 then
    redis.call("DECR", key)
  end
end
