"""The statements of the common commands. A new one is one entry in ``WRITING``."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from benchmarks.query_case import Case, Mode
from benchmarks.query_values import World
from gateway.activities.chat.rules import SMALL_ROOM

BATCH: Final = 100
"""Commands of different people, committed together."""


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


def _edited(world: World) -> dict[str, object]:
    return {
        "message_id": world.message().id,
        "seq": 10_000_000,
        "content": world.message().content,
        "mentions": [],
        "edited_at": datetime.now(UTC),
    }


WRITING: Final = (
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
