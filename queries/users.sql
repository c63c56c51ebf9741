-- People, registered and guests.

-- name: create_user(email, username, password_hash)<!
-- A registered account. The unique indexes on lower(email) and username refuse a second one.
insert into users (email, username, password_hash)
values (:email, :username, :password_hash)
returning *;

-- name: create_guest(username, avatar_url)<!
-- A guest: a name, and nothing to sign in with. The unique index on username refuses a second one.
-- nullable: avatar_url
insert into users (username, avatar_url, is_guest)
values (:username, :avatar_url, true)
returning *;

-- name: find_external_users(external_ids)
-- Who these people of another service are here. Unique index on external_id.
select * from users where external_id = any(:external_ids::text[]);

-- name: create_external_user(external_id, username, avatar_url)^
-- Somebody of another service, here for the first time; no row if another instance was quicker.
-- The unique index on username refuses a second one of the name.
-- nullable: avatar_url
insert into users (external_id, username, avatar_url)
values (:external_id, :username, :avatar_url)
on conflict (external_id) do nothing
returning *;

-- name: get_user(user_id)^
-- One person. Primary key.
select * from users where id = :user_id;

-- name: get_user_by_email(email)^
-- For signing in. Unique index on lower(email).
select * from users where lower(email) = lower(:email);

-- name: set_password_hash(user_id, password_hash)!
-- A changed password. Primary key.
update users set password_hash = :password_hash, updated_at = now() where id = :user_id;

-- name: touch_user(user_id, seen_at)!
-- Somebody was here. Never goes back: two instances may report out of order. Primary key.
update users set last_seen = :seen_at where id = :user_id and last_seen < :seen_at;
