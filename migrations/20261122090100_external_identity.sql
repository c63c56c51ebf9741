-- migrate:up
-- People who sign in elsewhere and come with a token of that service.

alter table users
    add column external_id varchar(255) constraint users_external_id_key unique;
comment on column users.external_id is
    'Who they are elsewhere: issuer|subject of their tokens (RFC 7519), with nothing before the bar where the tokens name no issuer.';

-- They are no guests: they come back as the same person, though without a password of ours.
alter table users
    drop constraint users_registered_can_sign_in,
    add constraint users_registered_can_sign_in check (
        is_guest or external_id is not null or (email is not null and password_hash is not null)
    );

comment on column sessions.sess is
    'An object with the person''s id as user_id, and where known created_at, address and user_agent.';

-- migrate:down
comment on column sessions.sess is 'An object with the person''s id as user_id.';
-- Without it nobody can say any more who they are elsewhere.
update users set is_guest = true
where external_id is not null and (email is null or password_hash is null);
alter table users
    drop constraint users_registered_can_sign_in,
    add constraint users_registered_can_sign_in
        check (is_guest or (email is not null and password_hash is not null)),
    drop column external_id;
