-- Chat messages.

-- name: insert_messages(ids, room_ids, user_ids, contents, seqs, created_at)!
-- All messages of a batch in one statement, in the transaction that writes
-- their events, under their rooms' locks.
insert into messages (id, room_id, user_id, content, seq, created_at, updated_at)
select
  m.id, m.room_id, m.user_id, m.content, m.seq, :created_at::timestamptz, :created_at::timestamptz
from unnest(
  :ids::uuid[], :room_ids::uuid[], :user_ids::uuid[], :contents::text[], :seqs::bigint[]
) as m (id, room_id, user_id, content, seq);

-- name: newest_messages(room_ids, max_messages)
-- The newest messages of each room with their authors, newest first. Index (room_id, seq).
-- nullable: author_name, avatar_url
select
  m.room_id, m.id, m.seq, m.created_at, m.content, m.message_type, m.user_id, m.reply_to,
  u.username as author_name, u.avatar_url
from unnest(:room_ids::uuid[]) as w (room_id)
cross join lateral (
  select *
  from messages
  where messages.room_id = w.room_id and messages.deleted_at is null
  order by messages.seq desc
  limit :max_messages::int
) m
left join lateral (select * from users where users.id = m.user_id limit 1) u on true
order by m.room_id, m.seq desc;
