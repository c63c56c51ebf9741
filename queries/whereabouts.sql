-- Who is connected where, and what users.is_online and users.last_seen say of it.

-- name: lock_users(user_ids)
-- Locks people whose connections change, in id order: two instances that write of the same people
-- wait for each other and never deadlock, and whoever comes second sees what the first has
-- written. Not "for update": inserts that refer to a person need not wait. Primary key.
select id
from users
where id = any(:user_ids::uuid[])
order by id
for no key update;

-- name: note_connections(instance_id, here, gone)!
-- Who has come to an instance and who has gone from it; safe to repeat. Primary key.
with ended as (
  delete from user_connections
  where user_id = any(:gone::uuid[]) and instance_id = :instance_id
)
insert into user_connections (user_id, instance_id)
select came.user_id, :instance_id
from unnest(:here::uuid[]) as came (user_id)
on conflict (user_id, instance_id) do nothing;

-- name: tell_whereabouts(user_ids, went)!
-- After note_connections: who has a connection to any instance is online, and who went was seen
-- now. last_seen never goes back, whoever committed first. Not "exists", for which the planner
-- may read the whole table. Primary keys.
update users u
set is_online = coalesce(
      (select true from user_connections c where c.user_id = u.id limit 1), false
    ),
    last_seen = case when seen.went then greatest(u.last_seen, now()) else u.last_seen end
from unnest(:user_ids::uuid[], :went::boolean[]) as seen (user_id, went)
where u.id = seen.user_id;

-- name: instances_with_people()
-- The instances that have rows, living or dead: one look at the index for each, not for each row.
-- not null: instance_id
with recursive found as (
  (select instance_id from user_connections order by instance_id limit 1)
  union all
  select (
    select c.instance_id
    from user_connections c
    where c.instance_id > f.instance_id
    order by c.instance_id
    limit 1
  )
  from found f
  where f.instance_id is not null
)
select instance_id from found where instance_id is not null;

-- name: count_people_of(instance_id)$
-- How many rows an instance has. Index (instance_id, user_id).
-- not null: count
select count(*) as count from user_connections where instance_id = :instance_id;

-- name: people_of(instance_id, most)
-- The first of an instance's people, or all, in the order in which they are locked. Index
-- (instance_id, user_id).
-- nullable: most
select user_id
from user_connections
where instance_id = :instance_id
order by user_id
limit :most;
