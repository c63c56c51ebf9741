-- migrate:up
-- People, their sign-in sessions, and the trail of who did what.
--
-- updated_at is set by the statements that write, here and in every later
-- table: no trigger changes a row behind a statement's back.

create table users (
    id uuid primary key default gen_random_uuid(),
    email varchar(255),
    username varchar(50) not null constraint users_username_key unique,
    password_hash varchar(255),
    avatar_url varchar(500),
    is_guest boolean not null default false,
    is_online boolean not null default false,
    last_seen timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint users_registered_can_sign_in
        check (is_guest or (email is not null and password_hash is not null))
);
comment on table users is 'People. A guest has a name and may have no e-mail address and no password.';

-- Ada@Example.com and ada@example.com are one person.
create unique index users_email_key on users (lower(email));

create table sessions (
    sid varchar primary key,
    sess jsonb not null,
    expire timestamp(6) not null
);
comment on table sessions is 'Sign-in sessions; kept here so that they outlive a Redis wipe.';
comment on column sessions.sid is 'SHA-256 of the bearer token in hexadecimal; the token itself is stored nowhere.';
comment on column sessions.sess is 'An object with the person''s id as user_id.';
comment on column sessions.expire is 'In UTC, without a time zone.';

create index sessions_expire_idx on sessions (expire);
-- A changed password ends the person's other sessions.
create index sessions_user_id_idx on sessions ((sess ->> 'user_id'));

create table audit_log (
    id serial primary key,
    action varchar(100) not null,
    entity_type varchar(100),
    entity_id varchar(100),
    user_id varchar(100),
    timestamp timestamptz not null default now(),
    details jsonb not null default '{}'
);
comment on table audit_log is
    'Sign-ins and failures, role and host changes, kicks, deletions, reveals, final estimates, clock administration.';
comment on column audit_log.user_id is
    'Who acted. No foreign key: the trail outlives the account, and a failed sign-in has none.';

-- migrate:down
drop table audit_log;
drop table sessions;
drop table users;
