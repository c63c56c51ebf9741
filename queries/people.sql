-- People, as others see them.

-- name: find_people(user_ids)
-- Those of them that there are, whether they are connected and when they were last. Primary key.
select id, username, avatar_url, is_online, last_seen
from users
where id = any(:user_ids::uuid[]);
