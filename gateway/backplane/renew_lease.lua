-- Renew an instance's lease and tell who else lives.
-- KEYS[1]  sorted set of instances, scored by the end of their lease (ms of Redis's clock)
-- ARGV[1]  this instance
-- ARGV[2]  length of a lease in ms; 0 gives the lease up
-- Returns  {1 if the lease was still ours, the live instances}
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", now)
local held = redis.call("ZSCORE", KEYS[1], ARGV[1]) and 1 or 0
if tonumber(ARGV[2]) > 0 then
  redis.call("ZADD", KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
else
  redis.call("ZREM", KEYS[1], ARGV[1])
end
return { held, redis.call("ZRANGE", KEYS[1], 0, -1) }
