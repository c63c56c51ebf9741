-- Rooms, their members, and invitations into private ones.

-- name: create_room(name, description, is_private, created_by)<!
-- A room with its creator as admin, in one statement: no room is ever without one.
-- nullable: description
with room as (
    insert into rooms (name, description, is_private, created_by)
    values (:name, :description, :is_private, :created_by)
    returning *
), admin as (
    insert into room_users (room_id, user_id, role)
    select id, created_by, 'admin' from room
)
select * from room;

-- name: get_room(room_id)^
-- One room, public or not. Primary key.
select * from rooms where id = :room_id;

-- name: list_public_rooms(prefix, after_name, after_id, max_rooms)
-- A page of the directory: names beginning with prefix, without regard to case, after the
-- last room of the page before; the first page comes after '' and the nil uuid. Index
-- rooms_directory_idx: it gives order, place and prefix, which is a range because collation "C"
-- compares bytes. U+10FFFF is the last character there is.
select id, name, description, last_seq, created_at
from rooms
where not is_private and not is_archived
    and (lower(name) collate "C", id) > (lower(:after_name) collate "C", :after_id::uuid)
    and lower(name) collate "C" >= lower(:prefix) collate "C"
    and lower(name) collate "C" < lower(:prefix) || chr(1114111) collate "C"
order by lower(name) collate "C", id
limit :max_rooms::int;

-- name: lock_room_name(name)!
-- Until the transaction ends nobody else who asks for this lock makes a public room of this name.
-- A row that does not exist yet cannot be locked, hence an advisory lock; two names that share a
-- hash only wait for each other. The pair of numbers keeps it apart from other advisory locks.
select pg_advisory_xact_lock(1, hashtext(:name));

-- name: oldest_public_room(name)^
-- Names are not unique: the oldest counts. Index on rooms (name).
select *
from rooms
where name = :name and not is_private and not is_archived
order by created_at, id
limit 1;

-- name: get_member(room_id, user_id)^
-- Somebody's membership. Primary key.
select * from room_users where room_id = :room_id and user_id = :user_id;

-- name: add_members(room_ids, user_ids, roles, last_read_seqs, read_counts, muted_untils)!
-- What was said before counts as read. Somebody who is in already stays what they are. Primary keys.
-- nullable: muted_untils[]
with forgotten as (
    delete from room_mutes
    using unnest(:room_ids::uuid[], :user_ids::uuid[]) as m (room_id, user_id)
    where room_mutes.room_id = m.room_id and room_mutes.user_id = m.user_id
)
insert into room_users (room_id, user_id, role, last_read_seq, read_count, muted_until)
select *
from unnest(
    :room_ids::uuid[], :user_ids::uuid[], :roles::text[], :last_read_seqs::bigint[],
    :read_counts::bigint[], :muted_untils::timestamptz[]
)
on conflict do nothing;

-- name: read_restrictions(room_ids, user_ids)
-- The bans of these people, and the mutes with which they left, in force or over: until null is for
-- good. Primary keys, each looked up by itself.
-- nullable: until
-- not null: room_id, user_id, is_ban
select b.room_id, b.user_id, true as is_ban, b.until
from unnest(:room_ids::uuid[], :user_ids::uuid[]) as w (room_id, user_id)
cross join lateral (
    select *
    from room_bans
    where room_bans.room_id = w.room_id and room_bans.user_id = w.user_id
    limit 1
) b
union all
select m.room_id, m.user_id, false, m.until
from unnest(:room_ids::uuid[], :user_ids::uuid[]) as w (room_id, user_id)
cross join lateral (
    select *
    from room_mutes
    where room_mutes.room_id = w.room_id and room_mutes.user_id = w.user_id
    limit 1
) m;

-- name: create_invitation(token_hash, room_id, created_by, expires_at, max_uses)!
-- A link into a room; max_uses null: as often as wanted until it expires. Primary key.
-- nullable: max_uses
insert into room_invitations (token_hash, room_id, created_by, expires_at, max_uses)
values (:token_hash, :room_id, :created_by, :expires_at, :max_uses);

-- name: lock_invitation(token_hash)$
-- The room of an invitation that is still good. Locked, so that of two people with the last use
-- the second waits, looks again and finds none. Primary key.
select room_id
from room_invitations
where token_hash = :token_hash
    and expires_at > now()
    and (max_uses is null or uses < max_uses)
for update;

-- name: count_invitation_use(token_hash)!
-- Under the lock of lock_invitation. Primary key.
update room_invitations set uses = uses + 1 where token_hash = :token_hash;
