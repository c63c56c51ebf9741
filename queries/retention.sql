-- Deleting what a room does not keep any longer.

-- name: find_due_rooms(max_rooms)
-- Rooms whose oldest event is older than they keep. Partial index rooms_retention_idx, then one look
-- into the log for each.
select r.id
from rooms r
where r.retention_days is not null
  and exists (
    select
    from room_events e
    where e.room_id = r.id
      and e.seq = r.log_start
      and e.created_at < now() - make_interval(days => r.retention_days)
  )
limit :max_rooms::int;

-- name: lock_due_room(room_id)^
-- A room in which something may be deleted. One that somebody else is at is left alone: it will be
-- found again. Primary key.
-- not null: keeps_since
select id, log_start, last_seq, now() - make_interval(days => retention_days) as keeps_since
from rooms
where id = :room_id and retention_days is not null
for no key update skip locked;

-- name: find_last_due(room_id, log_start, keeps_since, max_events)$
-- The last of the oldest events that the room does not keep. Primary key of room_events.
select max(e.seq) as last_due
from (
  select seq, created_at
  from room_events
  where room_id = :room_id and seq >= :log_start::bigint
  order by seq
  limit :max_events::int
) e
where e.created_at < :keeps_since::timestamptz;

-- name: delete_before(room_id, log_start, last_due)!
-- Deletes events and messages up to last_due, and counts them as read by everybody. What belongs to
-- the messages goes with them. Primary key of room_events, index messages (room_id, seq).
with forgotten as (
  delete from room_events
  where room_id = :room_id and seq between :log_start::bigint and :last_due::bigint
), messages_before as (
  delete from messages where room_id = :room_id and seq <= :last_due::bigint returning number
)
update rooms
set log_start = :last_due::bigint + 1,
    forgotten_count = greatest(
      forgotten_count, (select coalesce(max(number), 0) from messages_before)
    )
where id = :room_id;
