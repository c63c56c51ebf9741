-- What people's inboxes show: their rooms with what is unread, and their invitations.

-- name: read_memberships(people, pair_users, pair_rooms)
-- All rooms of people, and single rooms of others; who is not a member has no row. Unread are the
-- messages after the marker without those deleted by people, the first thousand of them, or by
-- retention. Index on room_users (user_id), primary keys,
-- messages_deleted_idx; each looked up by itself, whatever the planner believes about the tables,
-- hence the limits. Nobody is in a hundred thousand rooms. Where nothing is unread the counts are
-- not looked for.
-- not null: user_id, id, name, is_private, is_archived, last_seq, role, last_read_seq, unread
-- not null: mentions
select
    m.user_id, r.id, r.name, r.description, r.is_private, r.is_archived, r.last_seq, m.role,
    m.last_read_seq,
    case when r.message_count > m.read_count then greatest(
        r.message_count - greatest(m.read_count, r.forgotten_count) - (
            select count(*)
            from (
                select
                from messages x
                where x.room_id = r.id and x.seq > m.last_read_seq and x.deleted_at is not null
                limit 1000
            ) deleted
        ),
        0
    ) else 0 end as unread,
    case when r.message_count > m.read_count then (
        select count(*)
        from message_mentions x
        where x.user_id = m.user_id and x.room_id = r.id and x.seq > m.last_read_seq
    ) else 0 end as mentions
from (
    select whole.user_id, whole.room_id, whole.role, whole.last_read_seq, whole.read_count
    from unnest(:people::uuid[]) as p (user_id)
    cross join lateral (
        select *
        from room_users
        where room_users.user_id = p.user_id
        limit 100000
    ) whole
    union all
    select one.user_id, one.room_id, one.role, one.last_read_seq, one.read_count
    from unnest(:pair_users::uuid[], :pair_rooms::uuid[]) as p (user_id, room_id)
    cross join lateral (
        select *
        from room_users
        where room_users.room_id = p.room_id and room_users.user_id = p.user_id
        limit 1
    ) one
) m
cross join lateral (select * from rooms where rooms.id = m.room_id limit 1) r;

-- name: read_invitations(people, max_invitations)
-- The newest invitations of people into rooms that they are not in, as long as they are good.
-- Unique index (user_id, room_id), primary keys.
-- nullable: inviter_id, inviter_name, inviter_avatar_url
-- not null: id, user_id, expires_at, room_id, name, is_private
select
    i.id, i.user_id, i.expires_at, r.id as room_id, r.name, r.description, r.is_private,
    b.id as inviter_id, b.username as inviter_name, b.avatar_url as inviter_avatar_url
from unnest(:people::uuid[]) as p (user_id)
cross join lateral (
    select *
    from personal_invitations
    where personal_invitations.user_id = p.user_id
        and personal_invitations.expires_at > now()
        and not exists (
            select
            from room_users
            where room_users.room_id = personal_invitations.room_id
                and room_users.user_id = p.user_id
        )
    order by personal_invitations.created_at desc, personal_invitations.id
    limit :max_invitations::int
) i
cross join lateral (select * from rooms where rooms.id = i.room_id limit 1) r
left join lateral (select * from users where users.id = i.invited_by limit 1) b on true
where not r.is_archived;
