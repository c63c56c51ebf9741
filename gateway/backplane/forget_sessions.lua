-- Drop copies of sessions, but not the notes that they have ended.
-- KEYS     the sessions
-- ARGV[1]  what stands for an end
for _, key in ipairs(KEYS) do
  if redis.call("GET", key) ~= ARGV[1] then
    redis.call("DEL", key)
  end
end
