-- Sign-in sessions, as an account sees them.

-- name: sessions_of(user_id)
-- The person's sessions, so that copies of them can be renewed. Index on sess ->> 'user_id'.
select sid from sessions where sess ->> 'user_id' = :user_id::uuid::text;

-- name: end_other_sessions(user_id, kept_sid)
-- All but the session that asks, or that has changed the password. Tells which have ended, so that
-- copies of them can be called in. Index on sess ->> 'user_id'.
delete from sessions
where sess ->> 'user_id' = :user_id::uuid::text and sid <> :kept_sid
returning sid;

-- name: list_sessions(user_id, own_sid, most)
-- Where a person is signed in: the session that asks, then the newest. Index on sess ->> 'user_id'.
-- nullable: created_at, address, user_agent
-- not null: expires_at
select
    sid, (sess ->> 'created_at')::timestamptz as created_at, sess ->> 'address' as address,
    sess ->> 'user_agent' as user_agent, expire at time zone 'utc' as expires_at
from sessions
where sess ->> 'user_id' = :user_id::uuid::text and expire > now() at time zone 'utc'
order by sid = :own_sid desc, created_at desc nulls last, sid
limit :most;

-- name: end_session(user_id, public_id)$
-- One session of a person, by the id they see: the beginning of sid. Index on sess ->> 'user_id'.
delete from sessions
where sess ->> 'user_id' = :user_id::uuid::text and starts_with(sid, :public_id::text)
returning sid;
