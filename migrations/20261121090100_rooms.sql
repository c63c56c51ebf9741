-- migrate:up
-- Rooms, who is in them, their log, and the messages that answer queries about it.

create table rooms (
    id uuid primary key default gen_random_uuid(),
    name varchar(100) not null,
    description text,
    is_private boolean not null default false,
    is_archived boolean not null default false,
    created_by uuid references users on delete set null,
    last_seq bigint not null default 0 constraint rooms_last_seq_counts check (last_seq >= 0),
    epoch integer not null default 1 constraint rooms_epoch_counts check (epoch >= 1),
    message_count bigint not null default 0
        constraint rooms_message_count_counts check (message_count >= 0),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
comment on column rooms.last_seq is 'The seq of the newest row of room_events. Whoever writes to the log locks this row first.';
comment on column rooms.epoch is 'Raised when the database is restored from a backup: positions of another epoch say nothing.';
comment on column rooms.message_count is 'Messages ever sent; minus room_users.read_count it is the number of unread ones.';

create index rooms_created_by_idx on rooms (created_by);
create index rooms_name_idx on rooms (name);
-- The public directory: its order, and its search by the beginning of a name.
-- Collation "C" compares bytes, so a beginning is a range whatever the database's locale.
create index rooms_directory_idx on rooms ((lower(name) collate "C"), id)
    where not is_private and not is_archived;

-- No foreign keys: who writes here holds the lock of the room's row, and to check
-- every event would cost a third of writing it. The trigger does what "on delete
-- cascade" would; an actor who is deleted stays named, as the event was told.
create table room_events (
    room_id uuid not null,
    seq bigint not null constraint room_events_seq_counts check (seq >= 1),
    type varchar(64) not null,
    actor uuid,
    key varchar(64),
    payload json not null,
    created_at timestamptz not null default now(),
    primary key (room_id, seq)
);
comment on table room_events is 'The log: every durable event of a room, 1, 2, 3, … without a gap.';
comment on column room_events.key is 'Chosen by the client for one command, so that repeating it has one effect.';
comment on column room_events.payload is
    'Type json, not jsonb: kept byte for byte, so that a replayed event is the live one.';

create unique index room_events_key_idx on room_events (room_id, actor, key) where key is not null;

create function forget_log() returns trigger language plpgsql as $$
begin
    delete from room_events where room_id = old.id;
    return null;
end
$$;
comment on function forget_log is 'Deletes the log of a room that is deleted.';
create trigger rooms_forget_log after delete on rooms for each row execute function forget_log();

create table messages (
    id uuid primary key default gen_random_uuid(),
    room_id uuid not null references rooms on delete cascade,
    user_id uuid references users on delete set null,
    content text not null,
    message_type varchar(20) not null default 'text'
        constraint messages_type_known check (message_type in ('text', 'image', 'file')),
    is_edited boolean not null default false,
    seq bigint not null,
    reply_to uuid references messages on delete set null,
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint messages_room_id_seq_key unique (room_id, seq)
);
comment on column messages.seq is 'The seq of the event that sent it: its place in the room''s order.';
comment on column messages.deleted_at is 'A deleted message stays in its place as a tombstone.';

create index messages_room_id_idx on messages (room_id);
create index messages_user_id_idx on messages (user_id);
create index messages_created_at_idx on messages (created_at desc);
create index messages_reply_to_idx on messages (reply_to) where reply_to is not null;

create table room_users (
    room_id uuid not null references rooms on delete cascade,
    user_id uuid not null references users on delete cascade,
    role varchar(20) not null default 'member'
        constraint room_users_role_known check (role in ('admin', 'moderator', 'member')),
    last_read_message_id uuid references messages on delete set null,
    read_count bigint not null default 0
        constraint room_users_read_count_counts check (read_count >= 0),
    muted_until timestamptz,
    joined_at timestamptz not null default now(),
    primary key (room_id, user_id)
);
comment on table room_users is 'Members of rooms.';

create index room_users_user_id_idx on room_users (user_id);
create index room_users_last_read_message_id_idx on room_users (last_read_message_id);

create table message_read_receipts (
    message_id uuid not null references messages on delete cascade,
    user_id uuid not null references users on delete cascade,
    read_at timestamptz not null default now(),
    primary key (message_id, user_id)
);

create index message_read_receipts_user_id_idx on message_read_receipts (user_id);

create table room_invitations (
    token_hash varchar(64) primary key,
    room_id uuid not null references rooms on delete cascade,
    created_by uuid not null references users on delete cascade,
    expires_at timestamptz not null,
    max_uses integer constraint room_invitations_max_uses_positive check (max_uses > 0),
    uses integer not null default 0,
    created_at timestamptz not null default now(),
    constraint room_invitations_uses_bounded check (uses >= 0 and uses <= max_uses)
);
comment on table room_invitations is 'Links into private rooms.';
comment on column room_invitations.token_hash is 'SHA-256 of the link''s token in hexadecimal; the token itself is stored nowhere.';
comment on column room_invitations.max_uses is 'Null: as often as wanted until it expires.';

create index room_invitations_room_id_idx on room_invitations (room_id);
create index room_invitations_created_by_idx on room_invitations (created_by);

-- migrate:down
drop table room_invitations;
drop table message_read_receipts;
drop table room_users;
drop table messages;
drop table room_events;
drop table rooms;
drop function forget_log;
