-- Chat messages.

-- name: insert_messages(ids, room_ids, user_ids, contents, seqs, numbers, message_types, attachments, reply_tos, mentions, marker_rooms, marker_users, marker_seqs, marker_numbers, created_at)!
-- All messages of a batch in one statement, in the transaction that writes
-- their events, under their rooms' locks, and their senders' read markers. Mentions
-- are arrays as text: PostgreSQL has no arrays of arrays. What is set of a marker is
-- in no index, so that its row changes in place. Primary key of room_users.
-- nullable: attachments[], reply_tos[]
with moved as (
  update room_users m
  set last_read_seq = e.seq, read_count = e.number
  from unnest(
    :marker_rooms::uuid[], :marker_users::uuid[], :marker_seqs::bigint[], :marker_numbers::bigint[]
  ) as e (room_id, user_id, seq, number)
  where m.room_id = e.room_id and m.user_id = e.user_id and m.last_read_seq < e.seq
)
insert into messages (
  id, room_id, user_id, content, seq, number, message_type, attachment, reply_to, mentions,
  created_at, updated_at
)
select
  m.id, m.room_id, m.user_id, m.content, m.seq, m.number, m.message_type,
  m.attachment::jsonb, m.reply_to, m.mentions::uuid[],
  :created_at::timestamptz, :created_at::timestamptz
from unnest(
  :ids::uuid[], :room_ids::uuid[], :user_ids::uuid[], :contents::text[], :seqs::bigint[],
  :numbers::bigint[], :message_types::text[], :attachments::text[], :reply_tos::uuid[],
  :mentions::text[]
) as m (
  id, room_id, user_id, content, seq, number, message_type, attachment, reply_to, mentions
);

-- name: find_roots(room_ids, message_ids)
-- The roots of the threads of these messages; deleted_at: the message or its root has been. Primary
-- key, each looked up by itself.
-- nullable: deleted_at
-- not null: root
select
  m.id, m.room_id, coalesce(m.reply_to, m.id) as root,
  coalesce(m.deleted_at, root.deleted_at) as deleted_at
from unnest(:room_ids::uuid[], :message_ids::uuid[]) as w (room_id, id)
cross join lateral (
  select * from messages where messages.id = w.id and messages.room_id = w.room_id limit 1
) m
left join lateral (select * from messages where messages.id = m.reply_to limit 1) root on true;

-- name: find_members(room_ids, user_ids)
-- Which of these people are members of which of these rooms. Primary key, each looked up by itself.
select m.room_id, m.user_id
from unnest(:room_ids::uuid[], :user_ids::uuid[]) as w (room_id, user_id)
cross join lateral (
  select *
  from room_users
  where room_users.room_id = w.room_id and room_users.user_id = w.user_id
  limit 1
) m;

-- name: insert_mentions(user_ids, room_ids, seqs, message_ids)!
-- Who is mentioned by messages. Primary key.
insert into message_mentions (user_id, room_id, seq, message_id)
select *
from unnest(:user_ids::uuid[], :room_ids::uuid[], :seqs::bigint[], :message_ids::uuid[])
on conflict do nothing;

-- name: get_message(room_id, message_id)^
-- One message of the room. Primary key.
select id, seq, user_id, content, mentions, message_type, deleted_at
from messages
where id = :message_id and room_id = :room_id;

-- name: edit_message(message_id, seq, content, mentions, edited_at)!
-- Replaces a text by another and keeps it. seq is the event's that tells so. Primary keys.
with kept as (
  insert into message_edits (message_id, seq, content, edited_at)
  select id, :seq, content, :edited_at::timestamptz
  from messages
  where id = :message_id
)
update messages
set content = :content, mentions = :mentions::uuid[], is_edited = true,
    edited_at = :edited_at::timestamptz, updated_at = :edited_at::timestamptz
where id = :message_id;

-- name: forget_mentions(message_id, kept)!
-- An edit has left people out. Index on message_id.
delete from message_mentions where message_id = :message_id and user_id <> all(:kept::uuid[]);

-- name: delete_message(message_id, deleted_at)
-- Makes a message a tombstone and answers with the seqs of the events that told what it said, to
-- be redacted. Primary keys, and the index of message_mentions on message_id.
-- not null: seq
with forgotten_edits as (
  delete from message_edits where message_id = :message_id returning seq
), forgotten_reactions as (
  delete from message_reactions where message_id = :message_id
), forgotten_mentions as (
  delete from message_mentions where message_id = :message_id
), tombstone as (
  update messages
  set content = '', attachment = null, mentions = '{}',
      deleted_at = :deleted_at::timestamptz, updated_at = :deleted_at::timestamptz
  where id = :message_id
  returning seq
)
select seq from tombstone
union all
select seq from forgotten_edits;

-- name: count_edits(message_id)<!
-- Primary key.
-- not null: edits
select count(*) as edits from message_edits where message_id = :message_id;

-- name: count_other_emoji(message_id, emoji)<!
-- How many different emoji other than this one are under a message. Primary key.
-- not null: emoji_count
select count(distinct emoji) as emoji_count
from message_reactions
where message_id = :message_id and emoji <> :emoji;

-- name: add_reaction(message_id, user_id, emoji, created_at)!
-- None is added where it is there already. Primary key.
insert into message_reactions (message_id, user_id, emoji, created_at)
values (:message_id, :user_id, :emoji, :created_at)
on conflict do nothing;

-- name: remove_reaction(message_id, user_id, emoji)!
-- Primary key.
delete from message_reactions
where message_id = :message_id and user_id = :user_id and emoji = :emoji;

-- name: read_marks(room_ids, user_ids, seqs, small_room)
-- Where people's read markers stand, and what is at the places to which they shall be moved; a seq
-- of 0 is the end of the log. is_small: the room has no more members than that. Primary keys, the
-- index messages (room_id, seq), each looked up by itself; counting ends at the limit.
-- nullable: message_id
-- not null: room_id, user_id, asked, up_to, number, is_small
select
  w.room_id, w.user_id, w.seq as asked,
  case when w.seq = 0 then r.last_seq else w.seq end as up_to,
  m.read_count, n.id as message_id, coalesce(n.number, 0) as number,
  (
    select count(*) <= :small_room::int
    from (
      select from room_users where room_users.room_id = w.room_id limit :small_room::int + 1
    ) counted
  ) as is_small
from unnest(:room_ids::uuid[], :user_ids::uuid[], :seqs::bigint[]) as w (room_id, user_id, seq)
cross join lateral (select last_seq from rooms where rooms.id = w.room_id limit 1) r
cross join lateral (
  select read_count
  from room_users
  where room_users.room_id = w.room_id and room_users.user_id = w.user_id
  limit 1
) m
left join lateral (
  select id, number
  from messages
  where messages.room_id = w.room_id
    and messages.seq <= case when w.seq = 0 then r.last_seq else w.seq end
  order by messages.seq desc
  limit 1
) n on true;

-- name: move_markers(room_ids, user_ids, seqs, numbers, message_ids, is_told, read_at)!
-- Moves read markers, never back; is_told: members are told and a receipt is kept. Primary keys.
-- nullable: message_ids[]
with e as materialized (
  select *
  from unnest(
    :room_ids::uuid[], :user_ids::uuid[], :seqs::bigint[], :numbers::bigint[],
    :message_ids::uuid[], :is_told::boolean[]
  ) as e (room_id, user_id, seq, number, message_id, is_told)
), receipts as (
  insert into message_read_receipts (message_id, user_id, room_id, seq, read_at)
  select message_id, user_id, room_id, seq, :read_at::timestamptz
  from e
  where is_told and message_id is not null
  on conflict do nothing
)
update room_users m
set last_read_seq = e.seq, read_count = e.number,
    last_read_message_id = e.message_id
from e
where m.room_id = e.room_id and m.user_id = e.user_id and m.last_read_seq < e.seq;

-- name: newest_messages(room_ids, max_messages)
-- The newest messages of each room with their authors, newest first. Index (room_id, seq).
-- nullable: author_name, author_avatar_url
select
  m.room_id, m.id, m.seq, m.number, m.created_at, m.content, m.message_type, m.attachment,
  m.user_id, m.reply_to, m.mentions, m.edited_at, m.deleted_at,
  u.username as author_name, u.avatar_url as author_avatar_url
from unnest(:room_ids::uuid[]) as w (room_id)
cross join lateral (
  select *
  from messages
  where messages.room_id = w.room_id
  order by messages.seq desc
  limit :max_messages::int
) m
left join lateral (select * from users where users.id = m.user_id limit 1) u on true
order by m.room_id, m.seq desc;

-- name: read_reactions(message_ids, max_users)
-- The emoji under messages, those that came first first, with how many people, and the first of
-- them. Primary key, each message looked up by itself.
-- not null: message_id, people, users
select
  w.message_id, r.emoji, count(*) as people,
  (array_agg(r.user_id order by r.created_at, r.user_id))[1:(:max_users::int)] as users
from unnest(:message_ids::uuid[]) as w (message_id)
cross join lateral (
  select * from message_reactions where message_reactions.message_id = w.message_id
) r
group by w.message_id, r.emoji
order by w.message_id, min(r.created_at), r.emoji;
