-- The ordered log of every room.

-- name: lock_rooms(room_ids)
-- Locks the rooms of a batch, so that commit order is seq order and two
-- commands of one room cannot race. Locked in id order: two batches that share
-- rooms wait for each other and never deadlock. Not a plain "for update", which
-- would make every insert that refers to a room wait as well. Primary key.
-- not null: locked_at
select
  id, name, is_private, is_archived, last_seq, message_count, clock_timestamp() as locked_at
from rooms
where id = any(:room_ids::uuid[])
order by id
for no key update;

-- name: find_standing(actor_rooms, actors, command_rooms, command_actors, keys)
-- The roles of a batch's actors, and those of its commands that have been carried
-- out before: a row has a role, or the key, seq, time and type of an event. Read after
-- the lock, so a command's twin still in flight has either committed or not yet
-- begun. Primary key of room_users; unique index room_events (room_id, actor, key).
-- The limits leave the planner no join but one look for each, whatever it believes
-- about the tables.
-- nullable: role, muted_until, key, seq, created_at, type
-- not null: room_id, actor
select
  wanted.room_id, wanted.actor, m.role, m.muted_until, null as key, null::bigint as seq,
  null::timestamptz as created_at, null as type
from unnest(:actor_rooms::uuid[], :actors::uuid[]) as wanted (room_id, actor)
cross join lateral (
  select *
  from room_users
  where room_users.room_id = wanted.room_id and room_users.user_id = wanted.actor
  limit 1
) m
union all
select wanted.room_id, wanted.actor, null, null, e.key, e.seq, e.created_at, e.type
from unnest(:command_rooms::uuid[], :command_actors::uuid[], :keys::text[])
  as wanted (room_id, actor, key)
cross join lateral (
  select *
  from room_events
  where room_events.room_id = wanted.room_id
    and room_events.actor = wanted.actor
    and room_events.key = wanted.key
  limit 1
) e;

-- name: append_events(room_ids, seqs, types, actors, keys, payloads, log_ids, last_seqs, messages_added, created_at)!
-- All events of a batch, the new end of each room's log, and its message count.
-- The rooms are locked by lock_rooms, so the numbers cannot collide. An empty key
-- is none. Primary keys.
with appended as (
  insert into room_events (room_id, seq, type, actor, key, payload, created_at)
  select
    e.room_id, e.seq, e.type, e.actor, nullif(e.key, ''), e.payload::json, :created_at::timestamptz
  from unnest(
    :room_ids::uuid[], :seqs::bigint[], :types::text[], :actors::uuid[], :keys::text[],
    :payloads::text[]
  ) as e (room_id, seq, type, actor, key, payload)
)
update rooms r
set last_seq = e.last_seq,
    message_count = r.message_count + e.messages_added,
    updated_at = :created_at::timestamptz
from unnest(:log_ids::uuid[], :last_seqs::bigint[], :messages_added::int[])
  as e (room_id, last_seq, messages_added)
where r.id = e.room_id;

-- name: read_events(room_id, after_seq, max_events)
-- A page of the log after a position, in order. message is the text that
-- encode_event (gateway/core/protocol/encode.py) gave the event when it was
-- live, to the byte; a change there is a change here. Put together by PostgreSQL,
-- it costs the gateway a tenth of what its parts do. Primary key (room_id, seq).
-- not null: message
select
  seq,
  concat(
    '{"type":"', type, '","room":"', room_id, '","seq":', seq,
    ',"at":"', to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '"',
    ',"by":"' || actor || '"',
    ',"key":' || to_json(key),
    ',"data":', payload, '}'
  ) as message
from room_events
where room_id = :room_id and seq > :after_seq::bigint
order by seq
limit :max_events::int;

-- name: read_positions(room_ids)
-- Where the logs of many rooms end now. Primary key of rooms.
select id, epoch, last_seq
from rooms
where id = any(:room_ids::uuid[]);

-- name: read_rooms_for(room_ids, user_ids)
-- Rooms, each as one person stands to it: role is null for a stranger. Primary keys,
-- each looked up by itself, as above.
-- nullable: role, last_read_seq, muted_until
-- not null: user_id
select
  r.id, w.user_id, r.name, r.description, r.is_private, r.is_archived, r.epoch, r.last_seq,
  r.log_start, m.role, m.last_read_seq, m.muted_until
from unnest(:room_ids::uuid[], :user_ids::uuid[]) as w (room_id, user_id)
cross join lateral (select * from rooms where rooms.id = w.room_id limit 1) r
left join lateral (
  select *
  from room_users
  where room_users.room_id = w.room_id and room_users.user_id = w.user_id
  limit 1
) m on true;

-- name: redact_events(room_id, seqs)!
-- What a deleted message said, and its edits, are taken out of the log. Their places stay. Primary
-- key.
update room_events
set payload = (
  payload::jsonb || '{"content": "", "mentions": []}'
  || case when type = 'chat.message' then '{"attachment": null}' else '{}' end::jsonb
)::json
where room_id = :room_id and seq = any(:seqs::bigint[]);

-- name: start_epoch()!
-- Another epoch for every room: run once after a backup was restored, so that no
-- client takes its old position for one in the restored log. Scans all rooms.
update rooms set epoch = epoch + 1;
