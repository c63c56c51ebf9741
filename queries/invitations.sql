-- Invitations, before the room is locked.

-- name: find_invitation(token_hash)$
-- The room an invitation leads to, be it still good or not: that is decided by lock_invitation,
-- under the room's lock. Primary key.
select room_id from room_invitations where token_hash = :token_hash;
