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

-- name: lock_password(user_id, password_hash)^
-- Somebody, if this is still their password's hash: checking took a while. Until the transaction
-- ends nobody changes it, so that who changes it finds the session that is opened here. Primary key.
select * from users where id = :user_id and password_hash = :password_hash for share;

-- name: set_password_hash(user_id, old_hash, password_hash)!
-- A changed password, unless it has been changed meanwhile. Primary key.
update users
set password_hash = :password_hash, updated_at = now()
where id = :user_id and password_hash = :old_hash;

-- name: set_profile(user_id, username, with_avatar, avatar_url)<!
-- How somebody wants to be seen: another name, unless it is null, and another picture or none,
-- where with_avatar says so. Primary key; the unique index on username refuses a name that is taken.
-- nullable: username, avatar_url
update users
set username = coalesce(:username, username),
    avatar_url = case when :with_avatar::boolean then :avatar_url else avatar_url end,
    updated_at = now()
where id = :user_id
returning *;
