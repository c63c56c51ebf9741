"""The common queries that read. A new one is one entry in ``READING``."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from benchmarks.query_case import Case, Mode
from benchmarks.query_values import SomeRoom, World
from gateway.activities.chat.handlers import STATE_MESSAGES
from gateway.activities.chat.rules import SMALL_ROOM
from gateway.activities.chat.views import MAX_REACTING_USERS
from gateway.activities.reading.history import MAX_SEARCHED
from gateway.activities.reading.messages import MAX_OFFSET
from gateway.activities.rooms.service import PAGE_ROOMS
from gateway.runtime.log_reader import PAGE_EVENTS, PAGES_AT_ONCE
from gateway.storage.large_seed.cast import somebody
from gateway.storage.large_seed.words import FREQUENT_WORD, RARE_WORD

NOBODY: Final = UUID(int=0)
NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
PAGE: Final = 51
"""What is asked for as it is: fifty, and whether there is more."""


def _newest(room: SomeRoom) -> dict[str, object]:
    return {"room_ids": [room.id], "max_messages": STATE_MESSAGES + 1}


def _reactions(world: World) -> dict[str, object]:
    messages = [world.message().id for _ in range(STATE_MESSAGES)]
    return {"message_ids": messages, "max_users": MAX_REACTING_USERS}


def _directory(
    *, prefix: str = "", after_name: str = "", after_id: UUID = NOBODY
) -> dict[str, object]:
    return {
        "prefix": prefix,
        "after_name": after_name,
        "after_id": after_id,
        "max_rooms": PAGE_ROOMS + 1,
    }


def _page(room: SomeRoom, seq: int) -> dict[str, object]:
    return {"room_id": room.id, "before_seq": seq, "max_messages": PAGE}


def _search(room: SomeRoom, words: str) -> dict[str, object]:
    return {
        "room_id": room.id,
        "query": words,
        "before_seq": room.last_seq + 1,
        "max_searched": MAX_SEARCHED,
        "max_messages": PAGE,
    }


def _members(room_id: UUID, joined_at: datetime, user_id: UUID) -> dict[str, object]:
    return {
        "room_id": room_id,
        "after_joined_at": joined_at,
        "after_user_id": user_id,
        "max_members": PAGE,
    }


def _later_members(world: World) -> dict[str, object]:
    member = world.member_of(world.hall)
    return _members(world.hall.id, member.joined_at, member.user_id)


def _receipts(world: World) -> dict[str, object]:
    message = world.message_of_small_room()
    return {
        "room_id": message.room_id,
        "seq": message.seq,
        "author_id": message.user_id,
        "said_at": datetime.now(UTC),
    }


READING: Final = (
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
        "the inbox of a person with 200 rooms",
        "inbox.read_memberships",
        Mode.SNAPSHOT,
        lambda w: {"people": [w.busiest], "pair_users": [], "pair_rooms": []},
    ),
    Case(
        "… of somebody",
        "inbox.read_memberships",
        Mode.SNAPSHOT,
        lambda w: {"people": [w.member().user_id], "pair_users": [], "pair_rooms": []},
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
        "a page of history",
        "history.messages_before",
        Mode.SNAPSHOT,
        lambda w: _page(room := w.room(), w.seq(room)),
    ),
    Case(
        "… of the room of 100,000 messages",
        "history.messages_before",
        Mode.SNAPSHOT,
        lambda w: _page(w.archive, w.seq(w.archive)),
    ),
    Case(
        "… the other way",
        "history.messages_after",
        Mode.SNAPSHOT,
        lambda w: {"room_id": w.archive.id, "after_seq": w.seq(w.archive), "max_messages": PAGE},
    ),
    Case(
        "… by the largest offset",
        "history.seq_at",
        Mode.SNAPSHOT,
        lambda w: {"room_id": w.archive.id, "skipped": MAX_OFFSET},
    ),
    Case(
        "a thread",
        "history.replies_after",
        Mode.SNAPSHOT,
        lambda w: {"root": w.reply().reply_to, "after_seq": 0, "max_messages": PAGE},
    ),
    Case(
        "a search for a rare word",
        "history.search_messages",
        Mode.SNAPSHOT,
        lambda w: _search(w.room(), RARE_WORD),
    ),
    Case(
        "… in the room of 100,000 messages",
        "history.search_messages",
        Mode.SNAPSHOT,
        lambda w: _search(w.archive, RARE_WORD),
    ),
    Case(
        "… before that, among the newest",
        "history.search_newest",
        Mode.SNAPSHOT,
        lambda w: _search(w.archive, RARE_WORD),
    ),
    Case(
        "a search for a frequent word",
        "history.search_newest",
        Mode.SNAPSHOT,
        lambda w: _search(w.room(), FREQUENT_WORD),
    ),
    Case(
        "… in the room of 100,000 messages",
        "history.search_newest",
        Mode.SNAPSHOT,
        lambda w: _search(w.archive, FREQUENT_WORD),
    ),
    Case(
        "10,000 members: the first page",
        "history.list_members",
        Mode.SNAPSHOT,
        lambda w: _members(w.hall.id, NEVER, NOBODY),
    ),
    Case("… a later page", "history.list_members", Mode.SNAPSHOT, _later_members),
    Case(
        "whether a room is small",
        "history.count_members",
        Mode.SNAPSHOT,
        lambda w: {"room_id": w.hall.id, "max_members": SMALL_ROOM + 1},
    ),
    Case("who has read a message", "history.read_receipts", Mode.SNAPSHOT, _receipts),
)
