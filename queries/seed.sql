-- Example data. Every id is fixed, so what is there already is left alone.

-- name: seed_users(ids, emails, usernames, guests, password_hash)!
-- Guests have no e-mail address and no password. Primary key.
-- nullable: emails[]
insert into users (id, email, username, is_guest, password_hash)
select u.id, u.email, u.username, u.is_guest, case when not u.is_guest then :password_hash end
from unnest(:ids::uuid[], :emails::text[], :usernames::text[], :guests::boolean[])
    as u (id, email, username, is_guest)
on conflict (id) do nothing;

-- name: seed_room(id, name, description, is_private, created_by, last_seq, message_count, created_at)!
-- Answers 0 when the room is there; then its contents are left alone as well. Primary key.
insert into rooms
    (id, name, description, is_private, created_by, last_seq, message_count, created_at, updated_at)
values (
    :id, :name, :description, :is_private, :created_by, :last_seq, :message_count,
    :created_at::timestamptz, :created_at::timestamptz
)
on conflict (id) do nothing;

-- name: seed_members(room_id, user_ids, roles, last_read_seqs, read_counts)!
-- Who is in the room, and how far they have read. Primary key.
insert into room_users (room_id, user_id, role, last_read_seq, read_count)
select :room_id::uuid, m.user_id, m.role, m.last_read_seq, m.read_count
from unnest(
    :user_ids::uuid[], :roles::text[], :last_read_seqs::bigint[], :read_counts::bigint[]
) as m (user_id, role, last_read_seq, read_count);

-- name: seed_events(room_id, seqs, types, actors, payloads, times)!
-- The room's log. Primary key.
insert into room_events (room_id, seq, type, actor, payload, created_at)
select :room_id::uuid, e.seq, e.type, e.actor, e.payload::json, e.at
from unnest(
    :seqs::bigint[], :types::text[], :actors::uuid[], :payloads::text[], :times::timestamptz[]
) as e (seq, type, actor, payload, at);

-- name: seed_messages(room_id, ids, seqs, authors, contents, times)!
-- The messages that the log tells of, in their order. Primary key.
insert into messages (id, room_id, seq, number, user_id, content, created_at, updated_at)
select m.id, :room_id::uuid, m.seq, m.number, m.author, m.content, m.at, m.at
from unnest(
    :ids::uuid[], :seqs::bigint[], :authors::uuid[], :contents::text[], :times::timestamptz[]
) with ordinality as m (id, seq, author, content, at, number);

-- name: seed_game(id, room_id, name, host_id, config, expires_at)!
-- A game of poker, without stories as yet. Primary key.
insert into poker.sessions (id, room_id, name, host_id, config, expires_at)
values (:id, :room_id, :name, :host_id, :config, :expires_at);

-- name: seed_stories(game_id, ids, titles)!
-- The stories in their order; the first of them is open. Primary keys.
with added as (
    insert into poker.stories (id, session_id, title, order_index)
    select s.id, :game_id::uuid, s.title, s.place - 1
    from unnest(:ids::uuid[], :titles::text[]) with ordinality as s (id, title, place)
    returning id, order_index
)
update poker.sessions g
set current_story_id = added.id
from added
where g.id = :game_id and added.order_index = 0;

-- name: seed_votes(game_id, story_id, user_ids, names, cards)!
-- Players and their votes; a vote's card is nowhere else before the reveal. Primary keys.
with players as (
    insert into poker.players (session_id, user_id, name)
    select :game_id::uuid, p.user_id, p.name
    from unnest(:user_ids::uuid[], :names::text[]) as p (user_id, name)
    returning id, user_id
)
insert into poker.votes (story_id, player_id, session_id, value)
select :story_id::uuid, players.id, :game_id::uuid, v.card
from players
join unnest(:user_ids::uuid[], :cards::text[]) as v (user_id, card)
    on v.user_id = players.user_id;

-- name: seed_clock(id, room_id, time_per_cycle_ms, total_participants)!
-- A chess clock that ran out of use: a row of the audit trail, not a running clock. Primary key.
insert into sync_sessions (
    session_id, room_id, sync_mode, time_per_cycle_ms, total_participants,
    final_status, started_at, completed_at
)
values (
    :id, :room_id, 'per_participant', :time_per_cycle_ms, :total_participants,
    'completed', now(), now()
)
on conflict (session_id) do nothing;

-- name: lock_seed()!
-- Of two who plant the large example at the same time, the second waits and finds it there. The
-- pair of numbers keeps it apart from other advisory locks.
select pg_advisory_xact_lock(2, 0);

-- name: seed_totals(ids, last_seqs, message_counts, times)!
-- Rooms of the large example whose contents are complete. Primary key.
update rooms r
set last_seq = t.last_seq, message_count = t.message_count, updated_at = t.at
from unnest(:ids::uuid[], :last_seqs::bigint[], :message_counts::bigint[], :times::timestamptz[])
  as t (id, last_seq, message_count, at)
where r.id = t.id;
