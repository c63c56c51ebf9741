-- migrate:up
-- The audit trail of clocks. A running clock's truth is in Redis; these tables
-- are written from its stream, in batches, and answer questions afterwards.

create type sync_mode as enum ('per_participant', 'per_cycle', 'per_group', 'global', 'count_up');
create type sync_status as enum
    ('pending', 'running', 'paused', 'expired', 'completed', 'cancelled');

create table sync_sessions (
    session_id uuid primary key default gen_random_uuid(),
    room_id uuid references rooms on delete set null,
    sync_mode sync_mode not null,
    time_per_cycle_ms bigint constraint sync_sessions_time_per_cycle_positive
        check (time_per_cycle_ms > 0),
    increment_ms bigint not null default 0 constraint sync_sessions_increment_counts
        check (increment_ms >= 0),
    max_time_ms bigint constraint sync_sessions_max_time_positive check (max_time_ms > 0),
    final_status sync_status,
    total_cycles integer not null default 0,
    total_participants integer not null default 0,
    version bigint not null default 0,
    metadata jsonb not null default '{}',
    created_at timestamptz not null default now(),
    started_at timestamptz,
    completed_at timestamptz,
    last_updated_at timestamptz not null default now()
);
comment on table sync_sessions is 'One row a clock: its settings, its totals and how it ended.';
comment on column sync_sessions.session_id is 'The clock''s id.';
comment on column sync_sessions.room_id is 'The room it runs in; null for a clock of its own, or when the room was deleted.';
comment on column sync_sessions.sync_mode is 'Who shares a bank of time.';
comment on column sync_sessions.time_per_cycle_ms is 'Time of one turn, bank or session, by mode, in milliseconds.';
comment on column sync_sessions.increment_ms is 'Added after a turn, in milliseconds; never to who ran out.';
comment on column sync_sessions.max_time_ms is 'Ceiling in milliseconds; null: none.';
comment on column sync_sessions.created_at is 'When the clock was created.';
comment on column sync_sessions.started_at is 'When it first ran; null before.';
comment on column sync_sessions.completed_at is 'When it came to a final status; null before.';
comment on column sync_sessions.final_status is 'How it ended (expired, completed, cancelled); null while it may still run.';
comment on column sync_sessions.total_cycles is 'Turns finished.';
comment on column sync_sessions.total_participants is 'Participants ever added.';
comment on column sync_sessions.version is 'The version of the newest event written here.';
comment on column sync_sessions.metadata is 'The application''s own words about the clock.';
comment on column sync_sessions.last_updated_at is 'When this row was last written.';

create index sync_sessions_created_at_idx on sync_sessions (created_at desc);
create index sync_sessions_final_status_idx on sync_sessions (final_status)
    where final_status is not null;
create index sync_sessions_sync_mode_idx on sync_sessions (sync_mode);
create index sync_sessions_room_id_idx on sync_sessions (room_id);

create table sync_events (
    id uuid primary key default gen_random_uuid(),
    session_id uuid not null,
    version bigint not null,
    event_type varchar(50) not null,
    participant_id uuid,
    group_id uuid,
    time_remaining_ms bigint,
    time_elapsed_ms bigint,
    cycle_number integer,
    timestamp timestamptz not null default now(),
    state_snapshot jsonb,
    metadata jsonb not null default '{}',
    constraint sync_events_session_id_version_key unique (session_id, version)
);
comment on table sync_events is 'What happened to clocks, in order; enough to rebuild one when Redis is lost.';
comment on column sync_events.id is 'A name for the row; (session_id, version) tells the order.';
comment on column sync_events.session_id is
    'The clock. No foreign key: the trail outlives the session, and a batch may come before its row.';
comment on column sync_events.version is 'The clock''s version after the event: writing a batch twice has one effect.';
comment on column sync_events.event_type is 'What happened.';
comment on column sync_events.participant_id is 'Whom it concerns; null: the whole clock.';
comment on column sync_events.group_id is 'The participant''s group, in mode per_group.';
comment on column sync_events.time_remaining_ms is 'Left for the participant at this moment, in milliseconds.';
comment on column sync_events.time_elapsed_ms is 'Used since the turn began, in milliseconds.';
comment on column sync_events.cycle_number is 'The turn''s number.';
comment on column sync_events.timestamp is 'When it happened, by Redis'' time.';
comment on column sync_events.state_snapshot is 'The clock''s whole state after the event.';
comment on column sync_events.metadata is 'More about the event, such as the reason for a correction.';

create index sync_events_session_id_timestamp_idx on sync_events (session_id, timestamp desc);
create index sync_events_event_type_idx on sync_events (event_type);
create index sync_events_timestamp_idx on sync_events (timestamp desc);
create index sync_events_participant_id_idx on sync_events (participant_id)
    where participant_id is not null;

create table sync_participants (
    id uuid primary key default gen_random_uuid(),
    session_id uuid not null references sync_sessions on delete cascade,
    participant_id uuid not null,
    group_id uuid,
    total_time_ms bigint,
    total_cycles integer not null default 0,
    total_time_active_ms bigint not null default 0,
    added_at timestamptz not null default now(),
    first_active_at timestamptz,
    last_active_at timestamptz,
    metadata jsonb not null default '{}',
    constraint sync_participants_session_id_participant_id_key unique (session_id, participant_id)
);
comment on table sync_participants is 'What each participant used of a clock.';
comment on column sync_participants.total_time_ms is 'The participant''s bank at the start, in milliseconds; null: by the clock''s setting.';
comment on column sync_participants.total_cycles is 'Turns the participant had.';
comment on column sync_participants.total_time_active_ms is 'Time the participant''s turns took, in milliseconds.';

create index sync_participants_session_id_idx on sync_participants (session_id);
create index sync_participants_group_id_idx on sync_participants (group_id)
    where group_id is not null;

-- migrate:down
drop table sync_participants;
drop table sync_events;
drop table sync_sessions;
drop type sync_status;
drop type sync_mode;
