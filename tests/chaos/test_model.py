"""The model against the ledger, on a real PostgreSQL: whatever three people do."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.activities.activity import Submission
from gateway.activities.chat.messages import (
    ChatDelete,
    ChatEdit,
    ChatRead,
    ChatSend,
    ReactionAdd,
    ReactionRemove,
)
from gateway.activities.rooms.handlers import BecomeMember
from gateway.activities.rooms.messages import (
    MemberBan,
    MemberKick,
    MemberLeave,
    MemberMute,
    MemberSetRole,
    MemberUnban,
    Role,
    RoomUpdate,
)
from gateway.core.errors import GatewayError, InternalError
from gateway.core.identity import Identity
from gateway.core.ids import RoomId
from gateway.embedded import EmbeddedServers
from gateway.storage.database import Database, DatabaseSettings
from tests.chaos.model import RoomModel, Row, differences, read_tables, replayed
from tests.support.databases import migrated_database
from tests.support.ledgers import become_member, new_person, new_room, open_book, wish

ROLES: Final[tuple[Role, ...]] = ("admin", "moderator", "member")
TEXTS: Final = ("Hello", "Good night")
EMOJI: Final = ("👍", "🎉")


class Act(NamedTuple):
    """What somebody does: to whom, and with the how-manieth message."""

    kind: str
    who: int
    whom: int = 0
    message: int = 0
    choice: int = 0


KINDS: Final = (
    *("send", "reply", "mention", "image", "edit", "delete", "react", "unreact", "read", "read_on"),
    *("join", "leave", "kick", "ban", "unban", "mute", "role", "update"),
)

acts = st.builds(
    Act,
    kind=st.sampled_from(KINDS),
    who=st.integers(0, 2),
    whom=st.integers(0, 2),
    message=st.integers(0, 3),
    choice=st.integers(0, 2),
)
turns = st.lists(st.lists(acts, min_size=1, max_size=5), min_size=1, max_size=12)
"""What is handed in at once is one batch."""


class Scene:
    """A room of an admin, a moderator and a member."""

    def __init__(self, room_id: RoomId, people: Sequence[Identity]) -> None:
        self.room_id = room_id
        self.people = people
        self.messages: list[UUID] = []

    def submission(self, act: Act) -> Submission:
        """Return what an act hands in."""
        actor = self.people[act.who]
        if act.kind == "join":
            return become_member(self.room_id, actor)
        command, data = self._command(act)
        return wish(command, self.room_id, actor, **data)

    def _command(self, act: Act) -> tuple[type, dict[str, Any]]:  # noqa: C901, PLR0912 - a table
        whom = str(self.people[act.whom].user_id)
        named = self.messages[-1 - act.message :][:1] or [uuid4()]
        message = {"message_id": str(named[0])}
        text = TEXTS[act.choice % 2]
        until = [None, *(datetime.now(UTC) + timedelta(hours=hours) for hours in (1, 2))]
        match act.kind:
            case "send":
                return ChatSend, {"content": text}
            case "reply":
                return ChatSend, {"content": text, "reply_to": str(named[0])}
            case "mention":
                return ChatSend, {"content": text, "mentions": [whom, whom]}
            case "image":
                attachment = {
                    "url": "https://example.org/cat.png",
                    "name": "cat.png",
                    "media_type": "image/png",
                    "size_bytes": 12,
                }
                return ChatSend, {"message_type": "image", "attachment": attachment}
            case "edit":
                mentions = [whom] if act.choice else []
                return ChatEdit, {**message, "content": text, "mentions": mentions}
            case "delete":
                return ChatDelete, message
            case "react":
                return ReactionAdd, {**message, "emoji": EMOJI[act.choice % 2]}
            case "unreact":
                return ReactionRemove, {**message, "emoji": EMOJI[act.choice % 2]}
            case "read":
                return ChatRead, {"seq": 1 + act.message + act.choice}
            case "read_on":
                return ChatRead, {}
            case "leave":
                return MemberLeave, {}
            case "kick":
                return MemberKick, {"user_id": whom}
            case "ban":
                return MemberBan, {"user_id": whom, "until": until[act.choice], "reason": text}
            case "unban":
                return MemberUnban, {"user_id": whom}
            case "mute":
                return MemberMute, {"user_id": whom, "until": until[act.choice]}
            case "role":
                return MemberSetRole, {"user_id": whom, "role": ROLES[act.choice]}
            case "update":
                return RoomUpdate, {"description": text, "retention_days": act.choice}
        raise AssertionError(act.kind)


@pytest.fixture(scope="session")
async def model_database(servers: EmbeddedServers) -> AsyncIterator[Database]:
    """A pool of connections to a database in which each example makes its own room."""
    pool = await Database.open(DatabaseSettings(await migrated_database(servers.database_url)))
    yield pool
    await pool.close()


async def read_log(database: Database, room_id: RoomId) -> list[Row]:
    """Return a room's log."""
    async with database.connection() as conn:
        rows = await conn.fetch(
            "select seq, type, actor::text, key, payload::text, created_at"
            " from room_events where room_id = $1 order by seq",
            room_id,
        )
    return [Row(*row) for row in rows]


async def play(database: Database, script: Sequence[Sequence[Act]]) -> RoomModel:
    """Let people do something, and compare the tables with their log after it."""
    people = [await new_person(database, name) for name in ("Ada", "Grace", "Alan")]
    room_id = await new_room(database)
    scene = Scene(room_id, people)
    async with open_book(database) as book:
        for person, role in zip(people, ROLES, strict=True):
            await book.ledger.submit(Submission(room_id, person, BecomeMember(role)))
        for turn in script:
            for result in await book.all_at_once(*map(scene.submission, turn)):
                assert not isinstance(result, InternalError)
                assert not isinstance(result, GatewayError) or not result.retryable
            async with database.connection() as conn:
                scene.messages = [
                    row["id"]
                    for row in await conn.fetch(
                        "select id from messages where room_id = $1 order by seq", room_id
                    )
                ]
    model = replayed(room_id, await read_log(database, room_id))
    assert model.findings == []
    async with database.connection() as conn:
        tables = await read_tables(conn, [room_id])
    assert [*differences(model.tables(), tables[room_id])] == []
    return model


@pytest.mark.slow
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=turns)
@example(script=[[Act("send", 0)], [Act("edit", 0, choice=1), Act("delete", 0)]])
@example(script=[[Act("leave", 2)], [Act("send", 0), Act("join", 2), Act("send", 2)]])
async def test_the_tables_are_what_the_log_says(model_database: Database, script: list[list[Act]]):
    """Every row of them, after whatever anybody did."""
    await play(model_database, script)


async def test_everything_that_can_be_done_is_in_the_model(model_database: Database):
    """So that the comparison above is about something."""
    script = [
        [Act("send", 2), Act("image", 2)],
        [Act("reply", 1), Act("mention", 1, whom=2), Act("edit", 2), Act("react", 0)],
        [Act("edit", 1, choice=1), Act("react", 2), Act("read", 2, message=1), Act("update", 0)],
        [Act("delete", 0, message=2), Act("mute", 1, whom=2, choice=1), Act("read_on", 0)],
        [Act("ban", 0, whom=2, choice=2), Act("role", 0, whom=1, choice=2), Act("send", 0)],
    ]
    tables = (await play(model_database, script)).tables()
    assert [name for name, rows in tables.items() if not rows] == []
