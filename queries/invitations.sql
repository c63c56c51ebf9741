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

-- name: end_invitations(room_id, user_id)
-- Under the lock of the room, of somebody who may invite no more, or is a member no more: the links
-- they made, and the invitations by person that they made or have. Not those of members, who may
-- accept again. Tells whose inboxes show less. Indexes on room_id, primary key of room_users.
with links as (
    delete from room_invitations where room_id = :room_id and created_by = :user_id
)
delete from personal_invitations i
where i.room_id = :room_id
    and :user_id in (i.user_id, i.invited_by)
    and not exists (
        select from room_users m where m.room_id = i.room_id and m.user_id = i.user_id
    )
returning i.user_id;

-- name: invited_people(room_id, most)
-- Who is invited into a room and not in it yet, the newest first. Index on room_id, primary keys;
-- each person looked up by themselves, whatever the planner believes about the tables.
-- nullable: inviter_id, inviter_name, inviter_avatar_url
-- not null: id, created_at, expires_at, user_id, username
select
    i.id, i.created_at, i.expires_at, u.id as user_id, u.username, u.avatar_url,
    b.id as inviter_id, b.username as inviter_name, b.avatar_url as inviter_avatar_url
from (
    select *
    from personal_invitations
    where personal_invitations.room_id = :room_id
        and personal_invitations.expires_at > now()
        and not exists (
            select
            from room_users
            where room_users.room_id = personal_invitations.room_id
                and room_users.user_id = personal_invitations.user_id
            limit 1
        )
    order by personal_invitations.created_at desc, personal_invitations.id
    limit :most::int
) i
cross join lateral (select * from users where users.id = i.user_id limit 1) u
left join lateral (select * from users where users.id = i.invited_by limit 1) b on true
order by i.created_at desc, i.id;

-- name: links_into(room_id, most)
-- The links into a room that are still good, the newest first. Index on room_id, primary key.
-- not null: token_hash, created_at, expires_at, uses, inviter_id, inviter_name
select
    i.token_hash, i.created_at, i.expires_at, i.max_uses, i.uses,
    b.id as inviter_id, b.username as inviter_name, b.avatar_url as inviter_avatar_url
from (
    select *
    from room_invitations
    where room_invitations.room_id = :room_id
        and room_invitations.expires_at > now()
        and (room_invitations.max_uses is null or room_invitations.uses < room_invitations.max_uses)
    order by room_invitations.created_at desc, room_invitations.token_hash
    limit :most::int
) i
cross join lateral (select * from users where users.id = i.created_by limit 1) b
order by i.created_at desc, i.token_hash;

-- name: withdraw_personal_invitation(room_id, invitation_id)$
-- Tells whose it was. Primary key.
delete from personal_invitations where id = :invitation_id and room_id = :room_id
returning user_id;

-- name: withdraw_link(room_id, hash_start)!
-- By the beginning of its token's hash. Index on room_id.
delete from room_invitations
where room_id = :room_id and starts_with(token_hash, :hash_start::text);

-- name: delete_expired_links()!
-- A day late: until then, who repeats what let them in is told that they are in. Locked ones are
-- left for the next time: their room's transaction may lock others that this would. Index on
-- expires_at.
delete from room_invitations
where token_hash = any(array(
    select token_hash
    from room_invitations
    where expires_at < now() - interval '1 day'
    for update skip locked
));

-- name: delete_expired_personal_invitations()!
-- As delete_expired_links.
delete from personal_invitations
where id = any(array(
    select id
    from personal_invitations
    where expires_at < now() - interval '1 day'
    for update skip locked
));
