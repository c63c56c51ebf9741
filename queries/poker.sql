-- Planning poker: games, players, stories and the votes of the open round.
-- What writes runs under the room's lock.

-- name: active_games(room_ids)
-- The games of rooms, with their open stories and who has voted; not the cards. A deleted
-- account has left its seat. Partial unique index (room_id) where is_active; index votes (story_id);
-- primary keys, each looked up by itself, whatever the planner believes about the tables.
-- nullable: host_name, host_avatar_url, story_title, story_completed_at, story_started_at
-- not null: voters
select
  g.room_id, g.id, g.name, g.host_id, g.config, g.current_story_id,
  h.username as host_name, h.avatar_url as host_avatar_url,
  s.title as story_title, s.completed_at as story_completed_at, s.created_at as story_started_at,
  array(
    select coalesce((select user_id from poker.players where id = v.player_id), v.player_id)
    from poker.votes v
    where v.story_id = g.current_story_id
  ) as voters
from poker.sessions g
left join lateral (select * from users where id = g.host_id limit 1) h on true
left join lateral (select * from poker.stories where id = g.current_story_id limit 1) s on true
where g.room_id = any(:room_ids::uuid[]) and g.is_active;

-- name: insert_games(ids, room_ids, names, host_ids, config, created_at, expires_at)!
-- One active game a room; a second one violates the partial unique index.
insert into poker.sessions (id, room_id, name, host_id, config, created_at, updated_at, expires_at)
select
  g.id, g.room_id, g.name, g.host_id, :config::jsonb,
  :created_at::timestamptz, :created_at::timestamptz, :expires_at::timestamptz
from unnest(:ids::uuid[], :room_ids::uuid[], :names::text[], :host_ids::uuid[])
  as g (id, room_id, name, host_id);

-- name: open_stories(ids, session_ids, titles, created_at)!
-- Adds stories at the end of their games, and makes each game's last one the one to vote on.
-- Index (session_id, order_index).
with wanted as (
  select id, session_id, title, row_number() over (partition by session_id order by place) as place
  from unnest(:ids::uuid[], :session_ids::uuid[], :titles::text[])
    with ordinality as w (id, session_id, title, place)
),
added as (
  insert into poker.stories (id, session_id, title, order_index, created_at)
  select
    w.id, w.session_id, w.title,
    w.place + coalesce(
      (select max(s.order_index) from poker.stories s where s.session_id = w.session_id), -1
    ),
    :created_at::timestamptz
  from wanted w
)
update poker.sessions g
set current_story_id = w.id, updated_at = :created_at::timestamptz
from (select distinct on (session_id) id, session_id from wanted order by session_id, place desc) w
where g.id = w.session_id;

-- name: cast_votes(seat_ids, session_ids, story_ids, user_ids, names, values, created_at)!
-- One card for each voter and story, over the one that lay there; whoever has no
-- seat in the game takes one, under a longer name if theirs is on another seat (of somebody who
-- was called so then). Unique (session_id, user_id), unique (story_id, player_id).
with wanted as (
  select
    w.seat_id, w.session_id, w.story_id, w.user_id, w.value,
    case when exists (
      select from poker.players p
      where p.session_id = w.session_id and p.name = w.name and p.user_id is distinct from w.user_id
    )
    then w.name || ' ' || left(w.user_id::text, 8) else w.name end as name
  from unnest(
    :seat_ids::uuid[], :session_ids::uuid[], :story_ids::uuid[], :user_ids::uuid[],
    :names::text[], :values::text[]
  ) as w (seat_id, session_id, story_id, user_id, name, value)
),
seated as (
  insert into poker.players (id, session_id, user_id, name, joined_at, last_seen_at)
  select distinct on (w.session_id, w.user_id)
    w.seat_id, w.session_id, w.user_id, w.name, :created_at::timestamptz, :created_at::timestamptz
  from wanted w
  on conflict (session_id, user_id) do update
  set last_seen_at = excluded.last_seen_at, is_active = true
  returning id, session_id, user_id
)
insert into poker.votes (story_id, player_id, session_id, value, created_at)
select w.story_id, p.id, p.session_id, w.value, :created_at::timestamptz
from wanted w
join seated p on p.session_id = w.session_id and p.user_id = w.user_id
on conflict (story_id, player_id) do update
set value = excluded.value, created_at = excluded.created_at;

-- name: votes_of(story_ids)
-- The cards of stories with their players, the latest change last. The seat stands for an account
-- that has been deleted. Index story_id; primary keys, looked up as above.
-- nullable: avatar_url
-- not null: user_id, name
select
  v.story_id, coalesce(p.user_id, p.id) as user_id, coalesce(u.username, p.name) as name,
  u.avatar_url, v.value
from poker.votes v
cross join lateral (select * from poker.players where id = v.player_id limit 1) p
left join lateral (select * from users where id = p.user_id limit 1) u on true
where v.story_id = any(:story_ids::uuid[])
order by v.created_at, name;

-- name: keep_rounds(story_ids, session_ids, votes, statistics, started_at, revealed_at)!
-- Keeps the finished rounds, with everything that was on the table, and closes their stories:
-- a revealed story takes no more votes. Unique (story_id, round_number), primary key of stories.
with kept as (
  insert into poker.rounds
    (story_id, session_id, round_number, votes, statistics, started_at, revealed_at)
  select
    w.story_id, w.session_id,
    1 + coalesce(
      (select max(r.round_number) from poker.rounds r where r.story_id = w.story_id), 0
    ),
    w.votes::jsonb, w.statistics::jsonb, w.started_at, :revealed_at::timestamptz
  from unnest(
    :story_ids::uuid[], :session_ids::uuid[], :votes::text[], :statistics::text[],
    :started_at::timestamptz[]
  ) as w (story_id, session_id, votes, statistics, started_at)
  returning story_id
)
update poker.stories s
set completed_at = :revealed_at::timestamptz
from kept
where s.id = kept.story_id;
