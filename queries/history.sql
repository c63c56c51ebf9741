-- Reading a room: messages, who has read them, members, bans.

-- name: messages_before(room_id, before_seq, max_messages)
-- The newest messages before a place with their authors, newest first. Index (room_id, seq).
-- nullable: author_name, author_avatar_url
select
  m.room_id, m.id, m.seq, m.number, m.created_at, m.content, m.message_type, m.attachment,
  m.user_id, m.reply_to, m.mentions, m.edited_at, m.deleted_at,
  u.username as author_name, u.avatar_url as author_avatar_url
from (
  select *
  from messages
  where messages.room_id = :room_id and messages.seq < :before_seq::bigint
  order by messages.seq desc
  limit :max_messages::int
) m
left join lateral (select * from users where users.id = m.user_id limit 1) u on true
order by m.seq desc;

-- name: messages_after(room_id, after_seq, max_messages)
-- The oldest messages after a place with their authors, oldest first. Index (room_id, seq).
-- nullable: author_name, author_avatar_url
select
  m.room_id, m.id, m.seq, m.number, m.created_at, m.content, m.message_type, m.attachment,
  m.user_id, m.reply_to, m.mentions, m.edited_at, m.deleted_at,
  u.username as author_name, u.avatar_url as author_avatar_url
from (
  select *
  from messages
  where messages.room_id = :room_id and messages.seq > :after_seq::bigint
  order by messages.seq
  limit :max_messages::int
) m
left join lateral (select * from users where users.id = m.user_id limit 1) u on true
order by m.seq;

-- name: seq_at(room_id, skipped)$
-- The seq of the newest message but so many. Index (room_id, seq) alone, as far as the visibility
-- map goes.
select seq
from messages
where room_id = :room_id
order by seq desc
offset :skipped::int
limit 1;

-- name: message_ends(room_id)<!
-- Between which places a room's messages stand; null where there are none. Both ends of the index
-- (room_id, seq).
-- nullable: first_seq, last_seq
select
  (select seq from messages where room_id = :room_id order by seq limit 1) as first_seq,
  (select seq from messages where room_id = :room_id order by seq desc limit 1) as last_seq;

-- name: read_message(room_id, message_id)^
-- One message of the room with its author, as it is shown. Primary keys.
-- nullable: author_name, author_avatar_url
select
  m.room_id, m.id, m.seq, m.number, m.created_at, m.content, m.message_type, m.attachment,
  m.user_id, m.reply_to, m.mentions, m.edited_at, m.deleted_at,
  u.username as author_name, u.avatar_url as author_avatar_url
from messages m
left join lateral (select * from users where users.id = m.user_id limit 1) u on true
where m.id = :message_id and m.room_id = :room_id;

-- name: read_edits(message_id)
-- What a message said before, oldest first. Primary key.
select seq, content, edited_at from message_edits where message_id = :message_id order by seq;

-- name: replies_after(root, after_seq, max_messages)
-- A page of a thread with the authors, oldest first. Index (reply_to, seq).
-- nullable: author_name, author_avatar_url
select
  m.room_id, m.id, m.seq, m.number, m.created_at, m.content, m.message_type, m.attachment,
  m.user_id, m.reply_to, m.mentions, m.edited_at, m.deleted_at,
  u.username as author_name, u.avatar_url as author_avatar_url
from (
  select *
  from messages
  where messages.reply_to = :root and messages.seq > :after_seq::bigint
  order by messages.seq
  limit :max_messages::int
) m
left join lateral (select * from users where users.id = m.user_id limit 1) u on true
order by m.seq;

-- name: count_words(query)$
-- What is left of a search: 0 where it holds no word. No table.
-- not null: words
select numnode(websearch_to_tsquery('simple', :query)) as words;

-- name: search_messages(room_id, query, before_seq, max_messages)
-- The newest messages before a place that fit a search, newest first, with their authors. Index
-- messages_search_idx, in which the room is a word that its messages have. A message of another
-- room may hold the same word, so the room is compared too: as "is true", which the index
-- (room_id, seq) cannot answer, or the planner might go through the room with it, where words are
-- rare the whole of it.
-- nullable: author_name, author_avatar_url
select
  m.room_id, m.id, m.seq, m.number, m.created_at, m.content, m.message_type, m.attachment,
  m.user_id, m.reply_to, m.mentions, m.edited_at, m.deleted_at,
  u.username as author_name, u.avatar_url as author_avatar_url
from (
  select *
  from messages
  where messages.search @@ (
      websearch_to_tsquery('simple', :query) && quote_literal(:room_id::uuid::text)::tsquery
    )
    and (messages.room_id = :room_id) is true
    and messages.seq < :before_seq::bigint
    and messages.deleted_at is null
  order by messages.seq desc
  limit :max_messages::int
) m
left join lateral (select * from users where users.id = m.user_id limit 1) u on true
order by m.seq desc;

-- name: count_members(room_id, max_members)<!
-- How many members a room has; counting ends at the limit. Primary key.
-- not null: members
select count(*) as members
from (
  select from room_users where room_users.room_id = :room_id limit :max_members::int
) counted;

-- name: list_members(room_id, after_joined_at, after_user_id, max_members)
-- A page of the members in the order in which they came. Index room_users_joined_at_idx; people by
-- their primary key, each looked up by itself.
select
  m.user_id, u.username, u.avatar_url, m.role, m.joined_at, m.muted_until, m.last_read_seq
from (
  select *
  from room_users
  where room_users.room_id = :room_id
    and (room_users.joined_at, room_users.user_id)
      > (:after_joined_at::timestamptz, :after_user_id::uuid)
  order by room_users.joined_at, room_users.user_id
  limit :max_members::int
) m
cross join lateral (select * from users where users.id = m.user_id limit 1) u
order by m.joined_at, m.user_id;

-- name: list_bans(room_id, before_created_at, before_user_id, max_bans)
-- A page of the bans in force, newest first. Primary key, all of the room's: they are few, and few
-- people may ask. People by their primary key.
-- nullable: moderator_name, moderator_avatar_url
select
  b.user_id, u.username, u.avatar_url, b.until, b.reason, b.created_at,
  b.banned_by, a.username as moderator_name, a.avatar_url as moderator_avatar_url
from (
  select *
  from room_bans
  where room_bans.room_id = :room_id
    and (room_bans.until is null or room_bans.until > now())
    and (room_bans.created_at, room_bans.user_id)
      < (:before_created_at::timestamptz, :before_user_id::uuid)
  order by room_bans.created_at desc, room_bans.user_id desc
  limit :max_bans::int
) b
cross join lateral (select * from users where users.id = b.user_id limit 1) u
left join lateral (select * from users where users.id = b.banned_by limit 1) a on true
order by b.created_at desc, b.user_id desc;

-- name: read_receipts(room_id, seq, author_id, said_at)
-- Who has read the message at this place, of those who were members when it was said: the members
-- whose marker is there or beyond, each with the first step of theirs that is. Those who know
-- when come first. Primary key of room_users; index message_read_receipts_marker_idx.
-- nullable: author_id, read_at
select m.user_id, u.username, u.avatar_url, r.read_at
from room_users m
cross join lateral (select * from users where users.id = m.user_id limit 1) u
left join lateral (
  select *
  from message_read_receipts
  where message_read_receipts.room_id = m.room_id
    and message_read_receipts.user_id = m.user_id
    and message_read_receipts.seq >= :seq::bigint
  order by message_read_receipts.seq
  limit 1
) r on true
where m.room_id = :room_id
  and m.last_read_seq >= :seq::bigint
  and m.joined_at <= :said_at::timestamptz
  and m.user_id is distinct from :author_id::uuid
order by r.read_at, m.user_id;
