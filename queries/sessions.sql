-- Sign-in sessions. expire is a time in UTC without a zone; here it is turned into one with.

-- name: create_session(sid, user_id, address, user_agent, expires_at)!
-- Somebody has signed in, until expires_at, from where and with what. Primary key.
-- nullable: address, user_agent
insert into sessions (sid, sess, expire)
values (
    :sid,
    jsonb_strip_nulls(
        jsonb_build_object(
            'user_id', :user_id::uuid, 'created_at', now(),
            'address', :address::text, 'user_agent', :user_agent::text
        )
    ),
    :expires_at::timestamptz at time zone 'utc'
);

-- name: find_sessions(sids)
-- Who is signed in by each of these sessions, unless it has expired: everything a new connection
-- needs, for as many as come at once. Primary keys.
-- not null: expires_at
select
    s.sid, u.id as user_id, u.username, u.avatar_url, u.is_guest,
    s.expire at time zone 'utc' as expires_at
from sessions s
join users u on u.id = (s.sess ->> 'user_id')::uuid
where s.sid = any(:sids::text[]) and s.expire > now() at time zone 'utc';

-- name: find_ended_sessions(sids)
-- Which of these sessions are over: deleted or expired. Only they are told, so that asking for all
-- sessions of an instance costs an answer of a few. Primary keys.
-- not null: sid
select asked.sid
from unnest(:sids::text[]) as asked (sid)
where not exists (
    select from sessions s where s.sid = asked.sid and s.expire > now() at time zone 'utc'
);

-- name: delete_session(sid)!
-- Signing out. Primary key.
delete from sessions where sid = :sid;

-- name: delete_expired_sessions()!
-- What find_sessions no longer answers. Index on expire.
delete from sessions where expire <= now() at time zone 'utc';
