"""The common queries, and what they are asked. A new one is one entry in ``CASES``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any, Final
from uuid import UUID

from benchmarks.query_values import SomeRoom, World
from gateway.activities.chat.handlers import STATE_MESSAGES
from gateway.activities.chat.rules import SMALL_ROOM
from gateway.activities.chat.views import MAX_REACTING_USERS
from gateway.activities.rooms.service import PAGE_ROOMS
from gateway.runtime.log_reader import PAGE_EVENTS, PAGES_AT_ONCE
from gateway.storage.large_seed.cast import somebody


class Mode(Enum):
    """What the gateway runs the query in."""

    ALONE = auto()
    """A pool's connection, without a transaction (``Database.connection``)."""

    SNAPSHOT = auto()
    """``Database.snapshot``."""

    TRANSACTION = auto()
    """``Database.transaction``: a batch of commands."""


@dataclass(frozen=True)
class Case:
    """A query (``subject.name``), and the arguments of its next run.

    ``commands`` are carried out by one run; the aim is for each of them.
    """

    name: str
    query: str
    mode: Mode
    arguments: Callable[[World], Mapping[str, Any]]
    commands: int = 1


NOBODY: Final = UUID(int=0)
BATCH: Final = 100
"""Commands of different people, committed together."""


def _newest(room: SomeRoom) -> dict[str, object]:
    return {"room_ids": [room.id], "max_messages": STATE_MESSAGES + 1}


def _reactions(world: World) -> dict[str, object]:
    messages = [world.message().id for _ in range(STATE_MESSAGES)]
    return {"message_ids": messages, "max_users": MAX_REACTING_USERS}


def _standings(world: World, count: int) -> dict[str, object]:
    members = [world.member() for _ in range(count)]
    return {
        "actor_rooms": [member.room_id for member in members],
        "actors": [member.user_id for member in members],
        "command_rooms": [member.room_id for member in members],
        "command_actors": [member.user_id for member in members],
        "keys": [str(world.new_id()) for _ in members],
    }


def _sent(world: World, count: int) -> dict[str, object]:
    members = [world.member() for _ in range(count)]
    seqs = [10_000_000 + number for number in range(count)]
    return {
        "ids": [world.new_id() for _ in members],
        "room_ids": [member.room_id for member in members],
        "user_ids": [member.user_id for member in members],
        "contents": [world.message().content for _ in members],
        "seqs": seqs,
        "numbers": seqs,
        "message_types": ["text"] * count,
        "attachments": [None] * count,
        "reply_tos": [None] * count,
        "mentions": ["{}"] * count,
        "marker_rooms": [member.room_id for member in members],
        "marker_users": [member.user_id for member in members],
        "marker_seqs": seqs,
        "marker_numbers": seqs,
        "created_at": datetime.now(UTC),
    }


def _appended(world: World, count: int) -> dict[str, object]:
    rooms = {room.id: room for room in (world.room() for _ in range(count))}
    seqs = [room.last_seq + 1 for room in rooms.values()]
    return {
        "room_ids": list(rooms),
        "seqs": seqs,
        "types": ["chat.message"] * len(rooms),
        "actors": [world.member().user_id for _ in rooms],
        "keys": [str(world.new_id()) for _ in rooms],
        "payloads": ['{"content": "a message of the usual length in a chat"}'] * len(rooms),
        "log_ids": list(rooms),
        "last_seqs": seqs,
        "messages_added": [1] * len(rooms),
        "created_at": datetime.now(UTC),
    }


def _marks(room_id: UUID, user_id: UUID, seq: int) -> dict[str, object]:
    return {
        "room_ids": [room_id],
        "user_ids": [user_id],
        "seqs": [seq],
        "small_room": SMALL_ROOM,
    }


def _moved(world: World) -> dict[str, object]:
    member, message = world.member(), world.message()
    return {
        "room_ids": [member.room_id],
        "user_ids": [member.user_id],
        "seqs": [10_000_000],
        "numbers": [10_000_000],
        "message_ids": [message.id],
        "is_told": [True],
        "read_at": datetime.now(UTC),
    }


def _directory(
    *, prefix: str = "", after_name: str = "", after_id: UUID = NOBODY
) -> dict[str, object]:
    return {
        "prefix": prefix,
        "after_name": after_name,
        "after_id": after_id,
        "max_rooms": PAGE_ROOMS + 1,
    }


def _edited(world: World) -> dict[str, object]:
    return {
        "message_id": world.message().id,
        "seq": 10_000_000,
        "content": world.message().content,
        "mentions": [],
        "edited_at": datetime.now(UTC),
    }


CASES: Final = (
    Case(
        "a room as one person stands to it",
        "log.read_rooms_for",
        Mode.SNAPSHOT,
        lambda w: {"room_ids": [(m := w.member()).room_id], "user_ids": [m.user_id]},
    ),
    Case(
        "the state's newest 50 messages",
        "messages.newest_messages",
        Mode.SNAPSHOT,
        lambda w: _newest(w.room()),
    ),
    Case(
        "… of the room of 100,000 messages",
        "messages.newest_messages",
        Mode.SNAPSHOT,
        lambda w: _newest(w.archive),
    ),
    Case("the reactions to 50 messages", "messages.read_reactions", Mode.SNAPSHOT, _reactions),
    Case(
        "a resume: a page of the log",
        "log.read_events",
        Mode.ALONE,
        lambda w: {
            "room_id": (room := w.room()).id,
            "after_seq": w.seq(room) // PAGE_EVENTS * PAGE_EVENTS,
            "max_events": PAGE_EVENTS,
        },
    ),
    Case(
        "… four pages at once, of the longest room",
        "log.read_events",
        Mode.ALONE,
        lambda w: {
            "room_id": w.archive.id,
            "after_seq": w.seq(w.archive) // PAGE_EVENTS * PAGE_EVENTS,
            "max_events": PAGE_EVENTS * PAGES_AT_ONCE,
        },
    ),
    Case(
        "where 1,000 logs end",
        "log.read_positions",
        Mode.ALONE,
        lambda w: {"room_ids": [w.room().id for _ in range(1_000)]},
    ),
    Case(
        "the rooms of a person with 200, with unread",
        "rooms.list_rooms_of",
        Mode.ALONE,
        lambda w: {"user_id": w.busiest},
    ),
    Case(
        "… of somebody",
        "rooms.list_rooms_of",
        Mode.ALONE,
        lambda w: {"user_id": w.member().user_id},
    ),
    Case(
        "the directory: first page", "rooms.list_public_rooms", Mode.ALONE, lambda _: _directory()
    ),
    Case(
        "… a later page",
        "rooms.list_public_rooms",
        Mode.ALONE,
        lambda w: _directory(after_name=(room := w.room()).name, after_id=room.id),
    ),
    Case(
        "… names that begin so",
        "rooms.list_public_rooms",
        Mode.ALONE,
        lambda w: _directory(prefix=w.room().name[:6]),
    ),
    Case(
        "the oldest public room of a name",
        "rooms.oldest_public_room",
        Mode.TRANSACTION,
        lambda w: {"name": w.room().name},
    ),
    Case(
        "signing in",
        "users.get_user_by_email",
        Mode.ALONE,
        lambda w: {"email": somebody(5 * w.rng.randrange(20_000)).email},
    ),
    Case(
        "a batch locks its rooms (100)",
        "log.lock_rooms",
        Mode.TRANSACTION,
        lambda w: {"room_ids": [w.room().id for _ in range(BATCH)]},
        BATCH,
    ),
    Case(
        "who sends, and was it sent before",
        "log.find_standing",
        Mode.TRANSACTION,
        lambda w: _standings(w, 1),
    ),
    Case("… of 100", "log.find_standing", Mode.TRANSACTION, lambda w: _standings(w, BATCH), BATCH),
    Case("a message", "messages.insert_messages", Mode.TRANSACTION, lambda w: _sent(w, 1)),
    Case("… 100", "messages.insert_messages", Mode.TRANSACTION, lambda w: _sent(w, BATCH), BATCH),
    Case("an event", "log.append_events", Mode.TRANSACTION, lambda w: _appended(w, 1)),
    Case(
        "… in 100 rooms",
        "log.append_events",
        Mode.TRANSACTION,
        lambda w: _appended(w, BATCH),
        BATCH,
    ),
    Case(
        "a marker: where it may go",
        "messages.read_marks",
        Mode.TRANSACTION,
        lambda w: _marks((m := w.member()).room_id, m.user_id, 0),
    ),
    Case(
        "… in the room of 10,000 members",
        "messages.read_marks",
        Mode.TRANSACTION,
        lambda w: _marks(w.hall.id, w.busiest, w.seq(w.hall)),
    ),
    Case("… and it goes there", "messages.move_markers", Mode.TRANSACTION, _moved),
    Case(
        "the thread that a reply goes to",
        "messages.find_roots",
        Mode.TRANSACTION,
        lambda w: {"room_ids": [(m := w.message()).room_id], "message_ids": [m.id]},
    ),
    Case("an edit", "messages.edit_message", Mode.TRANSACTION, _edited),
    Case(
        "a deletion",
        "messages.delete_message",
        Mode.TRANSACTION,
        lambda w: {"message_id": w.message().id, "deleted_at": datetime.now(UTC)},
    ),
    Case(
        "… in the log",
        "log.redact_events",
        Mode.TRANSACTION,
        lambda w: {"room_id": (m := w.message()).room_id, "seqs": [m.seq]},
    ),
    Case(
        "a reaction",
        "messages.add_reaction",
        Mode.TRANSACTION,
        lambda w: {
            "message_id": w.message().id,
            "user_id": w.member().user_id,
            "emoji": "🚀",
            "created_at": datetime.now(UTC),
        },
    ),
    Case(
        "a member, to be moderated",
        "members.find_person",
        Mode.TRANSACTION,
        lambda w: {"room_id": (m := w.member()).room_id, "user_id": m.user_id},
    ),
    Case(
        "the admins among 10,000 members",
        "members.count_admins",
        Mode.TRANSACTION,
        lambda w: {"room_id": w.hall.id},
    ),
)
