-- Sign-in sessions, as an account sees them.

-- name: sessions_of(user_id)
-- The person's sessions, so that copies of them can be renewed. Index on sess ->> 'user_id'.
select sid from sessions where sess ->> 'user_id' = :user_id::uuid::text;

-- name: end_other_sessions(user_id, kept_sid)
-- After a changed password: only the session that changed it goes on. Tells which have ended, so
-- that copies of them can be called in. Index on sess ->> 'user_id'.
delete from sessions
where sess ->> 'user_id' = :user_id::uuid::text and sid <> :kept_sid
returning sid;
