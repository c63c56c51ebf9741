-- Invitations, before the room is locked.

-- name: find_invitation(token_hash)$
-- The room an invitation leads to, be it still good or not: that is decided by lock_invitation,
-- under the room's lock. Primary key.
select room_id from room_invitations where token_hash = :token_hash;

-- name: invite_person(room_id, user_id, invited_by, expires_at)<!
-- Somebody into a room, under the lock of its row; again: for longer. Unique index (user_id,
-- room_id).
insert into personal_invitations (room_id, user_id, invited_by, expires_at)
values (:room_id, :user_id, :invited_by, :expires_at)
on conflict (user_id, room_id) do update
set invited_by = excluded.invited_by, expires_at = excluded.expires_at, created_at = now()
returning *;

-- name: find_personal_invitation(invitation_id, user_id)^
-- Somebody's own. Primary key.
select * from personal_invitations where id = :invitation_id and user_id = :user_id;

-- name: decline_invitation(invitation_id, user_id)!
-- Somebody's own. Primary key.
delete from personal_invitations where id = :invitation_id and user_id = :user_id;

-- name: withdraw_invitation(room_id, user_id)!
-- Whoever is put out of a room needs another one. Unique index (user_id, room_id).
delete from personal_invitations where room_id = :room_id and user_id = :user_id;
