-- migrate:up
-- Planning poker. A poker.sessions row is one game in a room; it has nothing to
-- do with public.sessions, which are sign-ins.

create schema poker;

create table poker.sessions (
    id uuid primary key default gen_random_uuid(),
    room_id uuid not null references rooms on delete cascade,
    name varchar(255) not null,
    password_hash varchar(255),
    host_id uuid references users on delete set null,
    current_story_id uuid,
    config jsonb not null default '{}',
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    expires_at timestamptz not null
);
comment on table poker.sessions is 'Games of planning poker.';
comment on column poker.sessions.config is 'The deck and the settings of the game.';

create index sessions_is_active_expires_at_idx on poker.sessions (is_active, expires_at);
create index sessions_room_id_idx on poker.sessions (room_id);
create index sessions_host_id_idx on poker.sessions (host_id);
create index sessions_current_story_id_idx on poker.sessions (current_story_id);
-- A room has at most one game going on.
create unique index sessions_active_room_id_key on poker.sessions (room_id) where is_active;

create table poker.players (
    id uuid primary key default gen_random_uuid(),
    session_id uuid not null references poker.sessions on delete cascade,
    user_id uuid references users on delete set null,
    name varchar(100) not null,
    avatar varchar(50),
    is_spectator boolean not null default false,
    is_active boolean not null default true,
    joined_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    constraint players_session_id_name_key unique (session_id, name),
    constraint players_session_id_user_id_key unique (session_id, user_id)
);

create index players_session_id_is_active_idx on poker.players (session_id, is_active);
create index players_user_id_idx on poker.players (user_id);

create table poker.stories (
    id uuid primary key default gen_random_uuid(),
    session_id uuid not null references poker.sessions on delete cascade,
    title varchar(255) not null,
    description text,
    final_estimate varchar(10),
    order_index integer not null default 0,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    completed_at timestamptz
);
comment on column poker.stories.completed_at is 'When its votes were revealed; null while it is open.';

create index stories_session_id_order_index_idx on poker.stories (session_id, order_index);

alter table poker.sessions
    add constraint sessions_current_story_id_fkey
    foreign key (current_story_id) references poker.stories on delete set null;

create table poker.votes (
    id uuid primary key default gen_random_uuid(),
    story_id uuid not null references poker.stories on delete cascade,
    player_id uuid not null references poker.players on delete cascade,
    session_id uuid not null references poker.sessions on delete cascade,
    value varchar(10) not null,
    confidence smallint constraint votes_confidence_range check (confidence between 1 and 5),
    created_at timestamptz not null default now(),
    constraint votes_story_id_player_id_key unique (story_id, player_id)
);
comment on table poker.votes is 'The cards of the present round. Hidden from everybody until the reveal.';

create index votes_story_id_idx on poker.votes (story_id);
create index votes_session_id_idx on poker.votes (session_id);
create index votes_player_id_idx on poker.votes (player_id);

create table poker.rounds (
    id uuid primary key default gen_random_uuid(),
    story_id uuid not null references poker.stories on delete cascade,
    session_id uuid not null references poker.sessions on delete cascade,
    round_number integer not null constraint rounds_round_number_counts check (round_number >= 1),
    votes jsonb not null,
    statistics jsonb not null,
    started_at timestamptz not null default now(),
    revealed_at timestamptz not null default now(),
    constraint rounds_story_id_round_number_key unique (story_id, round_number)
);
comment on table poker.rounds is 'Finished rounds: what was revealed, kept when a story is voted on again.';

create index rounds_session_id_idx on poker.rounds (session_id);

-- migrate:down
alter table poker.sessions drop constraint sessions_current_story_id_fkey;
drop table poker.rounds;
drop table poker.votes;
drop table poker.stories;
drop table poker.players;
drop table poker.sessions;
drop schema poker;
