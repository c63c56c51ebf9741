-- The beginning of a room.

-- name: begin_log(room_id, type, actor, payload)!
-- Event 1 of a room made in this same transaction, so nobody else can write to its log yet.
-- Primary keys.
with first as (
    insert into room_events (room_id, seq, type, actor, payload, created_at)
    select id, 1, :type, :actor, :payload::json, created_at
    from rooms
    where id = :room_id
    returning room_id, seq
)
update rooms set last_seq = first.seq from first where rooms.id = first.room_id;
