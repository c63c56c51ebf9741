-- migrate:up
-- Invitations by person, beside the links.

create table personal_invitations (
    id uuid primary key default gen_random_uuid(),
    room_id uuid not null references rooms on delete cascade,
    user_id uuid not null references users on delete cascade,
    invited_by uuid references users on delete set null,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    constraint personal_invitations_user_id_room_id_key unique (user_id, room_id)
);
comment on table personal_invitations is 'Who is invited into which room. Kept when it is accepted, so that accepting again is no error; the end of the membership deletes it, and time.';

create index personal_invitations_room_id_idx on personal_invitations (room_id);
create index personal_invitations_invited_by_idx on personal_invitations (invited_by);
-- Expired ones are deleted.
create index personal_invitations_expires_at_idx on personal_invitations (expires_at);
create index room_invitations_expires_at_idx on room_invitations (expires_at);

-- migrate:down
drop index room_invitations_expires_at_idx;
drop table personal_invitations;
