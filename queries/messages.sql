-- Chat messages.

-- name: insert_message(id, room_id, user_id, content, seq, created_at)!
-- Written in the transaction that writes its event, under the room's lock.
insert into messages (id, room_id, user_id, content, seq, created_at, updated_at)
values (
  :id, :room_id, :user_id, :content, :seq, :created_at::timestamptz, :created_at::timestamptz
);

-- name: newest_messages(room_id, max_messages)
-- The newest messages with their authors, newest first. Index (room_id, seq).
-- nullable: author_name, avatar_url
select
  m.id, m.seq, m.created_at, m.content, m.message_type, m.user_id, m.reply_to,
  u.username as author_name, u.avatar_url
from messages m
left join users u on u.id = m.user_id
where m.room_id = :room_id and m.deleted_at is null
order by m.seq desc
limit :max_messages::int;
