-- What may be done to a member of a room, under the lock of the room's row.

-- name: find_person(room_id, user_id)^
-- Somebody, and their role in the room: null for who is not a member. Primary keys.
-- nullable: role, muted_until
select u.id, u.username, u.avatar_url, m.role, m.muted_until
from users u
left join room_users m on m.room_id = :room_id and m.user_id = u.id
where u.id = :user_id;

-- name: count_admins(room_id)<!
-- Primary key, all of the room's: rare.
-- not null: admins
select count(*) as admins from room_users where room_id = :room_id and role = 'admin';

-- name: set_role(room_id, user_id, role)!
-- Primary key.
update room_users set role = :role where room_id = :room_id and user_id = :user_id;

-- name: set_muted_until(room_id, user_id, muted_until)!
-- Null: may speak. Primary key.
-- nullable: muted_until
update room_users set muted_until = :muted_until where room_id = :room_id and user_id = :user_id;

-- name: remove_member(room_id, user_id)!
-- Whoever is muted still is when they come back. Primary keys.
with gone as (
    delete from room_users
    where room_id = :room_id and user_id = :user_id
    returning room_id, user_id, muted_until
)
insert into room_mutes (room_id, user_id, until)
select room_id, user_id, muted_until from gone where muted_until > now()
on conflict (room_id, user_id) do update set until = excluded.until;

-- name: ban(room_id, user_id, banned_by, reason, until, created_at)!
-- Until null: for good. A second ban replaces the first. Primary key.
-- nullable: reason, until
insert into room_bans (room_id, user_id, banned_by, reason, until, created_at)
values (:room_id, :user_id, :banned_by, :reason, :until, :created_at)
on conflict (room_id, user_id) do update
set banned_by = excluded.banned_by, reason = excluded.reason, until = excluded.until,
    created_at = excluded.created_at;

-- name: is_banned(room_id, user_id)<!
-- Whether a ban is in force. Primary key.
-- not null: is_banned
select exists (
    select
    from room_bans
    where room_id = :room_id and user_id = :user_id and (until is null or until > now())
) as is_banned;

-- name: unban(room_id, user_id)!
-- Primary key.
delete from room_bans where room_id = :room_id and user_id = :user_id;

-- name: update_room(room_id, name, description, is_archived, retention_days, updated_at)<!
-- Primary key.
-- nullable: description, retention_days
update rooms
set name = :name, description = :description, is_archived = :is_archived,
    retention_days = :retention_days, updated_at = :updated_at
where id = :room_id
returning *;
