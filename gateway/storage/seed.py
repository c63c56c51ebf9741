"""Example data for a first look and for tests of the whole.

A room and all that is in it is added once: log, messages and counters agree,
as if people had come in and talked. Rooms that are there stay as they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson

from gateway.core.ids import RoomId, Seq, UserId
from gateway.storage.connection import Connection
from gateway.storage.generated import seed as queries
from gateway.storage.seed_data import (
    DECK,
    ROOMS,
    SPRINT_PLANNING,
    USERS,
    SeedGame,
    SeedRoom,
    SeedUser,
    fixed_id,
)
from gateway.storage.users import taken_mapped

_PAUSE: Final = timedelta(minutes=1)
# Between two events of a room.

_CLOCK_MS: Final = 5 * 60 * 1000


@dataclass(frozen=True, slots=True)
class SeedReport:
    """How many of each were added; all zero when everything was there."""

    users: int
    rooms: int
    messages: int
    games: int
    clocks: int


@dataclass(frozen=True, slots=True)
class _Event:
    """A row of the log to be; its seq is its place."""

    type: str
    actor: SeedUser
    data: dict[str, Any]


async def seed(conn: Connection, password_hash: str) -> SeedReport:
    """Add the example data, in one transaction; ``password_hash`` is for the registered users.

    Raises ``EmailTaken`` or ``UsernameTaken`` when somebody else has an
    example's e-mail address or name; then nothing is added.
    """
    async with conn.transaction():
        with taken_mapped():
            users = await _add_users(conn, password_hash)
        added = [room for room in ROOMS if await _add_room(conn, room)]
        clocks = await queries.seed_clock(
            conn,
            id=fixed_id("clock"),
            room_id=RoomId(SPRINT_PLANNING.id),
            time_per_cycle_ms=_CLOCK_MS,
            total_participants=len(SPRINT_PLANNING.members),
        )
    return SeedReport(
        users=users,
        rooms=len(added),
        messages=sum(len(room.messages) for room in added),
        games=sum(room.game is not None for room in added),
        clocks=clocks,
    )


async def _add_users(conn: Connection, password_hash: str) -> int:
    return await queries.seed_users(
        conn,
        ids=[user.id for user in USERS],
        emails=[user.email for user in USERS],
        usernames=[user.name for user in USERS],
        guests=[user.email is None for user in USERS],
        password_hash=password_hash,
    )


async def _add_room(conn: Connection, room: SeedRoom) -> bool:
    """Add the room and its contents; return whether it was missing."""
    log = list(_log(room))
    now = datetime.now(UTC)
    times = [now - _PAUSE * (len(log) - place) for place in range(len(log))]
    added = await queries.seed_room(
        conn,
        id=room.id,
        name=room.name,
        description=room.description,
        is_private=room.is_private,
        created_by=UserId(room.members[0].id),
        last_seq=Seq(len(log)),
        message_count=len(room.messages),
        created_at=times[0],
    )
    if not added:
        return False
    await _add_members(conn, room)
    await _add_log(conn, room, log, times)
    if room.game is not None:
        await _add_game(conn, room, room.game, now)
    return True


async def _add_members(conn: Connection, room: SeedRoom) -> None:
    """Add the members; each has read up to the last message of their own."""
    read_counts = dict.fromkeys(room.members, 0) | {
        author: number for number, (author, _content) in enumerate(room.messages, start=1)
    }
    await queries.seed_members(
        conn,
        room_id=RoomId(room.id),
        user_ids=[UserId(user.id) for user in room.members],
        roles=[_role(room, user) for user in room.members],
        last_read_seqs=[Seq(len(room.members) + read_counts[user]) for user in room.members],
        read_counts=[read_counts[user] for user in room.members],
    )


async def _add_log(
    conn: Connection, room: SeedRoom, log: list[_Event], times: list[datetime]
) -> None:
    await queries.seed_events(
        conn,
        room_id=RoomId(room.id),
        seqs=[Seq(seq) for seq in range(1, len(log) + 1)],
        types=[event.type for event in log],
        actors=[UserId(event.actor.id) for event in log],
        payloads=[orjson.dumps(event.data).decode() for event in log],
        times=times,
    )
    messages = [
        (event, Seq(seq), at)
        for seq, (event, at) in enumerate(zip(log, times, strict=True), start=1)
        if event.type == "chat.message"
    ]
    await queries.seed_messages(
        conn,
        room_id=RoomId(room.id),
        ids=[event.data["id"] for event, _seq, _at in messages],
        seqs=[seq for _event, seq, _at in messages],
        authors=[event.actor.id for event, _seq, _at in messages],
        contents=[event.data["content"] for event, _seq, _at in messages],
        times=[at for _event, _seq, at in messages],
    )


async def _add_game(conn: Connection, room: SeedRoom, game: SeedGame, now: datetime) -> None:
    game_id = fixed_id("game", game.name)
    await queries.seed_game(
        conn,
        id=game_id,
        room_id=RoomId(room.id),
        name=game.name,
        host_id=UserId(room.members[0].id),
        config={"deck": DECK},
        expires_at=now + timedelta(days=1),
    )
    await queries.seed_stories(
        conn,
        game_id=game_id,
        ids=[_story_id(title) for title in game.stories],
        titles=game.stories,
    )
    await queries.seed_votes(
        conn,
        game_id=game_id,
        story_id=_story_id(game.stories[0]),
        user_ids=[UserId(user.id) for user, _card in game.votes],
        names=[user.name for user, _card in game.votes],
        cards=[card for _user, card in game.votes],
    )


def _log(room: SeedRoom) -> Iterator[_Event]:
    """Yield the room's events: everybody comes in, then they talk, then they vote."""
    for user in room.members:
        joined = {"user": _person(user), "role": _role(room, user), "muted_until": None}
        yield _Event("member.joined", user, joined)
    for number, (user, content) in enumerate(room.messages, start=1):
        data = {
            "id": fixed_id("message", room.name, str(number)),
            "number": number,
            "content": content,
            "message_type": "text",
            "attachment": None,
            "author": _person(user),
            "reply_to": None,
            "mentions": [],
        }
        yield _Event("chat.message", user, data)
    if room.game is not None:
        yield from _game_log(room, room.game)


def _game_log(room: SeedRoom, game: SeedGame) -> Iterator[_Event]:
    """Yield the events of a game; which card somebody played is in none of them."""
    host = room.members[0]
    ids = {"game_id": fixed_id("game", game.name)}
    story = {"id": _story_id(game.stories[0]), "title": game.stories[0]}
    started = {**ids, "name": game.name, "deck": DECK, "host": _person(host), "story": story}
    yield _Event("poker.started", host, started)
    for voted, (user, _card) in enumerate(game.votes, start=1):
        data = {**ids, "story_id": story["id"], "player": _person(user), "voted": voted}
        yield _Event("poker.voted", user, data)


def _person(user: SeedUser) -> dict[str, Any]:
    return {"id": user.id, "name": user.name, "avatar_url": None}


def _role(room: SeedRoom, user: SeedUser) -> str:
    return "admin" if user is room.members[0] else "member"


def _story_id(title: str) -> UUID:
    return fixed_id("story", title)
